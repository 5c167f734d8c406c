import { Tooltip } from '@base-ui/react/tooltip';
import { useStore } from 'zustand';
import styles from './App.module.css';
import { BranchPanel } from './features/branches/BranchPanel.tsx';
import { ForkDialog } from './features/branches/ForkDialog.tsx';
import { ReplayField } from './features/branches/ReplayField.tsx';
import { CallbackDialog } from './features/callbacks/CallbackDialog.tsx';
import { CallbacksField } from './features/callbacks/CallbacksField.tsx';
import { useCommandKeys } from './features/commands/useCommandKeys.ts';
import { CompareBar } from './features/compare/CompareBar.tsx';
import { CompareDialog } from './features/compare/CompareDialog.tsx';
import { CreatePanel } from './features/create/CreatePanel.tsx';
import { CurveField } from './features/curve/CurveField.tsx';
import { ForkCurve } from './features/curve/ForkCurve.tsx';
import { RunCurve } from './features/curve/RunCurve.tsx';
import { DeviceChip } from './features/device/DeviceChip.tsx';
import { DevicesDialog } from './features/device/DevicesDialog.tsx';
import { HistoryPanel } from './features/history/HistoryPanel.tsx';
import { LoraSection } from './features/loras/LoraSection.tsx';
import { MaskPainter } from './features/mask/MaskPainter.tsx';
import { MaskToolbar } from './features/mask/MaskToolbar.tsx';
import { ModelChip } from './features/models/ModelChip.tsx';
import { ModelsDialog } from './features/models/ModelsDialog.tsx';
import { NetworkDialog } from './features/network/NetworkDialog.tsx';
import { Announcer } from './features/notices/Announcer.tsx';
import { LinkBanner } from './features/notices/LinkBanner.tsx';
import { Notices } from './features/notices/Notices.tsx';
import { DropCurtain } from './features/picture/DropCurtain.tsx';
import { PictureField } from './features/picture/PictureField.tsx';
import { StartEmpty } from './features/picture/StartEmpty.tsx';
import { usePictureArrival } from './features/picture/usePictureArrival.ts';
import { QueuePanel } from './features/queue/QueuePanel.tsx';
import { SettingsDialog } from './features/settings/SettingsDialog.tsx';
import { ShortcutsDialog } from './features/shortcuts/ShortcutsDialog.tsx';
import { Dock } from './features/stage/Dock.tsx';
import { Stage } from './features/stage/Stage.tsx';
import { Strip } from './features/strip/Strip.tsx';
import { TopBar } from './features/topbar/TopBar.tsx';
import { useText } from './i18n/useText.ts';
import { viewStore } from './stores/view.ts';
import { cx } from './ui/cx.ts';
import { useAppearance } from './useAppearance.ts';
import { useTitle } from './useTitle.ts';

export function App() {
  const { t } = useText();
  const drawerOpen = useStore(viewStore, (view) => view.drawerOpen);
  useAppearance();
  useCommandKeys();
  usePictureArrival();
  useTitle();
  return (
    <Tooltip.Provider delay={500}>
      <a className={styles.skip} href="#canvas">
        {t('app.skip')}
      </a>
      <div className={styles.app}>
        <TopBar model={<ModelChip />}>
          <DeviceChip />
        </TopBar>
        <div className={styles.room}>
          <CreatePanel picture={<PictureField />} curve={<CurveField />} callbacks={<CallbacksField />} loras={<LoraSection />} replay={<ReplayField />} />
          <main className={styles.main}>
            <div className={styles.tray}>
              <Stage painter={<MaskPainter />} painterTools={<MaskToolbar />} noStart={<StartEmpty />} curtain={<DropCurtain />} />
              <BranchPanel />
              <CompareBar />
              <Notices />
            </div>
            <Dock />
            <RunCurve />
            <Strip />
          </main>
          <aside id="aside" className={cx(styles.aside, drawerOpen && styles.open)} aria-label={t('history.title')}>
            <QueuePanel />
            <HistoryPanel />
          </aside>
        </div>
      </div>
      <SettingsDialog />
      <ShortcutsDialog />
      <CallbackDialog />
      <ForkDialog curve={(props) => <ForkCurve {...props} />} />
      <CompareDialog />
      <ModelsDialog />
      <DevicesDialog />
      <NetworkDialog />
      <LinkBanner />
      <Announcer />
    </Tooltip.Provider>
  );
}

import { useStore } from 'zustand';
import { commands } from '../../../../shared/commands.ts';
import { useText } from '../../i18n/useText.ts';
import { isMac } from '../../stores/keyboard.ts';
import { viewStore } from '../../stores/view.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Keys } from '../../ui/Keys.tsx';
import { maskKeys } from './maskKeys.ts';
import styles from './ShortcutsDialog.module.css';

const menus = ['generate', 'view', 'file', 'help'] as const;

export function ShortcutsDialog() {
  const { t } = useText();
  const open = useStore(viewStore, (view) => view.dialog === 'shortcuts');
  return (
    <Dialog
      open={open}
      title={t('shortcuts.title')}
      closeLabel={t('common.close')}
      onClose={() => viewStore.setState({ dialog: null })}
    >
      <div className={styles.groups} tabIndex={0} role="group" aria-label={t('shortcuts.title')}>
        {menus.map((menu) => (
          <section key={menu} aria-labelledby={`shortcuts-${menu}`}>
            <h3 id={`shortcuts-${menu}`} className={styles.heading}>
              {t(`shortcuts.menu.${menu}`)}
            </h3>
            <dl>
              {commands
                .filter((command) => command.menu === menu && command.keys !== null)
                .map((command) => (
                  <div key={command.id} className={styles.row}>
                    <dt>{t(`command.${command.label}`)}</dt>
                    <dd>{command.keys === null ? null : <Keys keys={command.keys} mac={isMac()} />}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
        <section aria-labelledby="shortcuts-mask">
          <h3 id="shortcuts-mask" className={styles.heading}>
            {t('shortcuts.menu.mask')}
          </h3>
          <dl>
            {maskKeys.map(({ keys, label }) => (
              <div key={label} className={styles.row}>
                <dt>{t(label)}</dt>
                <dd className={styles.choices}>
                  {keys.map((key) => (
                    <Keys key={key} keys={key} mac={isMac()} />
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  );
}

import { commands } from '../../../../shared/commands.ts';
import { useText } from '../../i18n/useText.ts';
import { isMac } from '../../stores/keyboard.ts';
import { useDialog } from '../../stores/useDialog.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Keys } from '../../ui/Keys.tsx';
import { Section, Sections } from '../../ui/Section.tsx';
import { maskKeys } from './maskKeys.ts';
import styles from './ShortcutsDialog.module.css';

const menus = ['generate', 'view', 'file', 'help'] as const;

export function ShortcutsDialog() {
  const { t } = useText();
  return (
    <Dialog {...useDialog('shortcuts')} title={t('shortcuts.title')} closeLabel={t('common.close')}>
      <Sections className={styles.groups} tabIndex={0} role="group" aria-label={t('shortcuts.title')}>
        {menus.map((menu) => (
          <Section key={menu} id={`shortcuts-${menu}`} title={t(`shortcuts.menu.${menu}`)}>
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
          </Section>
        ))}
        <Section id="shortcuts-mask" title={t('shortcuts.menu.mask')}>
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
        </Section>
      </Sections>
    </Dialog>
  );
}

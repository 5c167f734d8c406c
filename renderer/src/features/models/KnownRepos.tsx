import { Search } from 'lucide-react';
import { useStore } from 'zustand';
import { useKnownRepoText } from '../../i18n/useKnownRepoText.ts';
import { useText } from '../../i18n/useText.ts';
import { lookAt, modelLibraryStore } from '../../stores/modelLibrary.ts';
import { settingsStore } from '../../stores/settings.ts';
import { Button } from '../../ui/Button.tsx';
import { Section } from '../../ui/Section.tsx';
import styles from './KnownRepos.module.css';

/** Well-known public models, for who has no name to type. */
export function KnownRepos() {
  const { t, format } = useText();
  const describe = useKnownRepoText();
  const known = useStore(modelLibraryStore, (state) => state.known);
  const offline = useStore(settingsStore, (settings) => settings.offline);
  if (known.length === 0) return null;
  return (
    <Section id="models-known" title={t('models.known')}>
      <ul>
        {known.map((repo) => (
          <li key={repo.repo} className={styles.repo}>
            <span className={styles.words}>
              <span className={styles.title}>{repo.title}</span>
              <span className={styles.description}>{describe(repo)}</span>
              <span className={styles.facts}>
                {[
                  repo.repo,
                  repo.license,
                  t('models.about', { size: format.bytes(repo.bytes) }),
                  t('models.memory', { size: format.bytes(repo.memoryBytes) }),
                ].join(' · ')}
              </span>
            </span>
            <Button size="s" disabled={offline} icon={<Search aria-hidden />} aria-label={t('models.lookAt', { title: repo.title })} onClick={() => void lookAt(repo.repo)}>
              {t('models.look')}
            </Button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

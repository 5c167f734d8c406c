import { useTranslation } from 'react-i18next';
import type { KnownRepo } from '../../../shared/models.ts';

/** What a well-known model is, in the page's language (`zh-CN.cases.json`), and in core's English where there is no such sentence. */
export function useKnownRepoText(): (repo: KnownRepo) => string {
  const { t } = useTranslation();
  // A dot would part the key.
  return ({ repo, description }) => t(`knownRepo.${repo.replaceAll('.', '_')}`, { defaultValue: description });
}

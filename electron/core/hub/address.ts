import { StopbathError } from '../../../shared/errors.ts';

/** A model's place on the hub, as a person may write it. */
export interface HubAddress {
  /** `owner/name` */
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** The file an address of a single file points to. */
  readonly file: string | null;
}

/** The hub forbids `--` and `..` in names: so `owner--name` names one repository only. */
const name = /^(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;
const revisionName = /^(?!.*\.\.)[\w.][\w.+/-]{0,198}$/;

/**
 * `owner/name`, `owner/name@revision`, `hf.co/owner/name`, or an address of the hub's pages, also of a branch
 * (`/tree/...`) or a file (`/blob/...`, `/resolve/...`).
 * @param hub address of the hub in use; addresses of the public hub are always understood.
 * @returns null where the text is no such thing.
 * @throws StopbathError `INVALID_INPUT` for addresses of the hub that are no model's.
 */
export function parseHubAddress(text: string, hub: string): HubAddress | null {
  const trimmed = text.trim();
  const short = /^([^/\s@]+)\/([^/\s@]+)(?:@(\S+))?$/.exec(trimmed);
  if (short !== null) return checked(short[1] ?? '', short[2] ?? '', short[3] ?? 'main', null);
  const url = URL.parse(/^(?:www\.)?(?:huggingface\.co|hf\.co)\//.test(trimmed) ? `https://${trimmed}` : trimmed);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  const base = new URL(hub);
  const isMirror = url.host === base.host && url.pathname.startsWith(base.pathname);
  if (!isMirror && !['huggingface.co', 'www.huggingface.co', 'hf.co'].includes(url.host)) return null;
  const path = isMirror ? url.pathname.slice(base.pathname.length) : url.pathname;
  const [owner = '', repo = '', kind, ...rest] = path.split('/').filter((part) => part !== '');
  if (['datasets', 'spaces', 'docs', 'collections', 'papers', 'blog'].includes(owner)) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: `at: ${trimmed.slice(0, 200)} is no model.`,
      nextStep: 'Give the address of a model, such as https://huggingface.co/owner/name.',
      field: 'at',
    });
  }
  const [revision = 'main', ...file] = ['tree', 'blob', 'resolve'].includes(kind ?? '') ? rest : [];
  try {
    const filePath = kind === 'tree' ? '' : decodeURIComponent(file.join('/'));
    return checked(owner, repo, decodeURIComponent(revision), filePath === '' ? null : filePath);
  } catch {
    return null;
  }
}

function checked(owner: string, repo: string, revision: string, file: string | null): HubAddress | null {
  if (!name.test(owner) || !name.test(repo) || !revisionName.test(revision)) return null;
  return { repo: `${owner}/${repo}`, revision, file };
}

/** An address that is already in its parts, as calls carry it. @throws StopbathError `INVALID_INPUT` */
export function checkHubAddress(repo: string, revision: string): HubAddress {
  const [owner = '', repoName = '', ...more] = repo.split('/');
  const address = more.length === 0 ? checked(owner, repoName, revision, null) : null;
  if (address !== null) return address;
  throw new StopbathError({
    code: 'INVALID_INPUT',
    message: `source: ${JSON.stringify(`${repo}@${revision}`.slice(0, 200))} is no repository of the hub.`,
    nextStep: 'Write it as owner/name or owner/name@revision.',
    field: 'source',
  });
}

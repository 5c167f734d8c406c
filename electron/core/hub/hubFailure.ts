import { StopbathError } from '../../../shared/errors.ts';

export interface HubRefusal {
  readonly status: number;
  readonly headers: Headers;
  readonly repo: string;
  readonly hasToken: boolean;
}

/**
 * An answer of the hub that is none of 2xx, in words. Its reason is in the header `X-Error-Code` (`GatedRepo`,
 * `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`); a repository that is missing and one that is private look alike
 * to a stranger (401), as huggingface_hub's `hf_raise_for_status` notes.
 */
export function hubFailure({ status, headers, repo, hasToken }: HubRefusal): StopbathError {
  const code = headers.get('x-error-code');
  const said = headers.get('x-error-message')?.slice(0, 300) ?? '';
  const detail = [`HTTP ${status}`, code, said, headers.get('x-request-id')].filter((word) => word !== null && word !== '').join(', ');
  const page = `https://huggingface.co/${repo}`;
  if (code === 'GatedRepo') {
    return new StopbathError({
      code: 'ACCESS_DENIED',
      message: `${repo} is given only to those who accept its terms.`,
      nextStep: hasToken
        ? `Open ${page}, accept the terms with the account of your token, then try again.`
        : `Open ${page}, accept the terms, then enter a token of that account under Models.`,
      detail,
    });
  }
  if (code === 'RepoNotFound' || (status === 404 && code === null)) {
    return new StopbathError({
      code: 'NOT_FOUND',
      message: `There is no model ${repo} on the hub, or it is private.`,
      nextStep: hasToken ? 'Check the name, and that your token may read it.' : 'Check the name; a private model needs a token.',
      detail,
    });
  }
  if (code === 'RevisionNotFound' || code === 'EntryNotFound') {
    return new StopbathError({
      code: 'NOT_FOUND',
      message: code === 'EntryNotFound' ? `A file of ${repo} is no longer there.` : `${repo} has no such revision.`,
      nextStep: 'Look at the model again; give another branch, tag or commit after the @.',
      detail,
    });
  }
  if (status === 401 || status === 403) {
    return new StopbathError({
      code: 'ACCESS_DENIED',
      message: hasToken ? `The hub refused your token for ${repo}.` : `The hub asks for a token for ${repo}.`,
      nextStep: hasToken
        ? 'Make a new token at https://huggingface.co/settings/tokens that may read it, and enter it under Models.'
        : `Open ${page} and accept its terms if it has any, then enter a token from https://huggingface.co/settings/tokens under Models.`,
      detail,
    });
  }
  if (status === 429) {
    const wait = retryAfterMs(headers);
    return new StopbathError({
      code: 'NETWORK',
      message: 'The hub has had too many requests from here.',
      nextStep: `Try again in ${wait === null ? 'a few minutes' : `${Math.ceil(wait / 1000)} s`}${hasToken ? '' : '; with a token it allows more'}.`,
      detail,
    });
  }
  return new StopbathError({
    code: 'NETWORK',
    message: status >= 500 ? `The hub has a problem of its own (${status}).` : `The hub answered with ${status}.`,
    nextStep: 'Try again in a few minutes.',
    detail,
  });
}

/**
 * How long the server asks to wait: `Retry-After` in seconds or as a date, or the hub's
 * `RateLimit: "resolvers";r=0;t=55` (seconds until the window ends). null: it does not say.
 */
export function retryAfterMs(headers: Headers, now: number = Date.now()): number | null {
  const header = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  if (!Number.isNaN(date)) return Math.max(0, date - now);
  const limit = headers.get('ratelimit') ?? '';
  const left = /;\s*r=(\d+)/.exec(limit)?.[1];
  const seconds = /;\s*t=(\d{1,9})/.exec(limit)?.[1];
  return left === '0' && seconds !== undefined ? Number(seconds) * 1000 : null;
}

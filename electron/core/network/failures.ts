import { StopbathError } from '../../../shared/errors.ts';

export function offlineFailure(): StopbathError {
  return new StopbathError({
    code: 'OFFLINE',
    message: 'Stopbath is set to stay offline.',
    nextStep: 'Switch "Stay offline" off in the settings, then try again.',
  });
}

export function stalledFailure(url: URL, ms: number): StopbathError {
  return new StopbathError({
    code: 'NETWORK',
    message: `${url.host} sent nothing for ${Math.round(ms / 1000)} s.`,
    nextStep: 'Look whether the connection works, then try again.',
  });
}

const sentences: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name could not be resolved',
  EAI_AGAIN: 'its name could not be resolved',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke off',
  UND_ERR_SOCKET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  ETIMEDOUT: 'it did not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer in time',
  ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way to it',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
  // Chromium's.
  ERR_NAME_NOT_RESOLVED: 'its name could not be resolved',
  ERR_INTERNET_DISCONNECTED: 'there is no network',
  ERR_ADDRESS_UNREACHABLE: 'there is no way to it',
  ERR_CONNECTION_REFUSED: 'the connection was refused',
  ERR_CONNECTION_RESET: 'the connection broke off',
  ERR_CONNECTION_CLOSED: 'the connection broke off',
  ERR_HTTP2_PROTOCOL_ERROR: 'the connection broke off',
  ERR_NETWORK_CHANGED: 'the connection broke off',
  ERR_CONNECTION_TIMED_OUT: 'it did not answer in time',
  ERR_TIMED_OUT: 'it did not answer in time',
  ERR_PROXY_CONNECTION_FAILED: 'the proxy did not answer',
  ERR_TUNNEL_CONNECTION_FAILED: 'the proxy did not let it through',
  ERR_CERT_AUTHORITY_INVALID: 'its certificate is not trusted',
  ERR_CERT_DATE_INVALID: 'its certificate has expired',
  ERR_CERT_COMMON_NAME_INVALID: 'its certificate is not trusted',
};

/** What a connection threw, or a sentence of our own, as the failure a person reads. */
export function networkFailure(url: URL, problem: unknown): StopbathError {
  if (problem instanceof StopbathError) return problem;
  const nextStep = 'Look whether the connection works, then try again.';
  if (typeof problem === 'string') return new StopbathError({ code: 'NETWORK', message: problem, nextStep });
  const code = systemCodeOf(problem);
  const detail = problem instanceof Error ? `${problem.message}${code === null ? '' : ` (${code})`}` : String(problem);
  const why = code === null ? undefined : sentences[code];
  const message = why === undefined ? `${url.host} could not be reached.` : `${url.host} could not be reached: ${why}.`;
  return new StopbathError({ code: 'NETWORK', message, nextStep, detail }, { cause: problem });
}

/** fetch wraps the system's error in a TypeError; Chromium names its own in the message. */
function systemCodeOf(error: unknown, depth = 0): string | null {
  if (typeof error !== 'object' || error === null || depth > 3) return null;
  const chromium = error instanceof Error ? /^net::(ERR_\w+)/.exec(error.message)?.[1] : undefined;
  if (chromium !== undefined) return chromium;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? systemCodeOf(error.cause, depth + 1) : null;
}

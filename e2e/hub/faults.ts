/** What the test hub does wrong, to which requests. */
export interface Fault {
  /** `api`: questions; `resolve`: the hub's own file addresses; `cdn`: where large files come from. */
  readonly at: 'api' | 'resolve' | 'cdn';
  /** Only requests whose path has this in it. */
  readonly path?: string;
  /** How often; for ever without. */
  times?: number;
  /** Only requests that ask to continue. */
  readonly onlyRanges?: boolean;
  readonly does: Misdeed;
}

export type Misdeed =
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The connection is torn off after so many bytes of the body. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Nothing more comes after so many bytes, and the connection stays open. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** One bit of the byte at that place of the file is another. */
  | { readonly kind: 'corrupt'; readonly byte: number }
  /** 200 and the whole file, whatever was asked. */
  | { readonly kind: 'ignore-range' }
  /** 206, but from another place. */
  | { readonly kind: 'wrong-range' }
  /** The file has another ETag now, so an `If-Range` does not hold. */
  | { readonly kind: 'other-etag'; readonly etag: string }
  | { readonly kind: 'no-etag' }
  /** More bytes than the list says, without a Content-Length. */
  | { readonly kind: 'too-long'; readonly bytes: number }
  | { readonly kind: 'redirect'; readonly to: string };

export function takeFault(faults: Fault[], at: Fault['at'], path: string, isRange: boolean): Misdeed | null {
  const fault = faults.find((one) => one.at === at && (one.times ?? 1) > 0 && path.includes(one.path ?? '') && (isRange || one.onlyRanges !== true));
  if (fault === undefined) return null;
  if (fault.times !== undefined) fault.times--;
  return fault.does;
}

/** The limits of an upload. */
export interface PresignPutOptions {
  /** The upload must have exactly this many bytes. */
  readonly sizeBytes?: number;
  /** SHA-256 of the content, base64. The upload is refused when its bytes hash to something else. */
  readonly checksumSha256?: string;
  /** The lifetime of the URL, in milliseconds from now. */
  readonly expiresInMs: number;
}

/** The request of an upload: `PUT url` with exactly these headers. */
export interface PresignedPut {
  readonly url: string;
  readonly headers: Record<string, string>;
}

/**
 * Objects by key. A key is slash-separated segments of letters, digits, `.`, `_` and `-`, at most 512 characters; no
 * segment begins with a dot.
 *
 * All methods throw `invalid_argument` for another key and `unavailable` when the store cannot be reached.
 */
export interface ObjectStore {
  /** A URL for a client outside. Uploading again to the same key replaces the object as a whole. */
  presignPut(key: string, options: PresignPutOptions): Promise<PresignedPut>;
  /** A URL for the builder, which is inside. Signing does not look whether the object exists. */
  presignGet(key: string, options: { readonly expiresInMs: number }): Promise<string>;
  /** The object's size, or `undefined` when there is none. */
  head(key: string): Promise<{ readonly sizeBytes: number } | undefined>;
  /** Removes the object; does nothing when there is none. */
  delete(key: string): Promise<void>;
  /** Reads what its URLs lead to, where that takes an authority of one's own. Default: the runtime's. */
  readonly fetch?: typeof fetch;
}

/** A share of a host's requests goes to another deployment than the route's. */
export interface Split {
  readonly deploymentId: string;
  /** From 1 to 99. */
  readonly percent: number;
  /** A client stays with its version, by a cookie. */
  readonly sticky: boolean;
  /** Names this split in cookies: those of former ones do not count. */
  readonly token: string;
}

/** True for another share, or another version that has one. */
export function isOtherSplit(a: Split | undefined, b: Split | undefined): boolean {
  return a?.deploymentId !== b?.deploymentId || a?.percent !== b?.percent;
}

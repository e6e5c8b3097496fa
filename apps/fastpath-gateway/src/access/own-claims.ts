/** A token's own word about itself, where it is a JWT; unsigned hearsay: good enough to refuse by, never to believe. */
interface OwnClaims {
  readonly iss?: unknown;
  readonly exp?: unknown;
}

/** Clocks of the cluster's machines may differ by this much. */
const SKEW_MS = 60_000;

/**
 * Why a token cannot be one of the cluster, as far as it says so itself: then nobody is asked about it.
 * @param issuers of the cluster's tokens; empty: any token may be one
 * @param now Unix milliseconds
 * @returns undefined where only the API server can tell
 */
export function whyNoToken(token: string, issuers: readonly string[], now: number): string | undefined {
  const claims = claimsOf(token);
  if (issuers.length > 0) {
    if (!claims) return 'the bearer token is no JWT';
    if (typeof claims.iss !== 'string' || !issuers.includes(claims.iss)) return 'the bearer token is of another issuer';
  }
  if (typeof claims?.exp === 'number' && claims.exp * 1000 + SKEW_MS < now) return 'the bearer token has expired';
  return undefined;
}

function claimsOf(token: string): OwnClaims | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined; // dots alone make no JWT
  }
}

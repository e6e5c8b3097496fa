/** Claims of a JWT, unverified: reason enough to refuse a token, never to accept one. */
interface OwnClaims {
  readonly iss?: unknown;
  readonly exp?: unknown;
}

/** Clock skew allowed between the cluster's machines. */
const SKEW_MS = 60_000;

/**
 * Why a token's own claims rule it out. Such a token is refused without a TokenReview.
 * @param issuers issuers of the cluster's tokens; empty: any issuer, and tokens other than JWTs too
 * @param now Unix milliseconds
 * @returns undefined when a TokenReview must decide
 */
export function tokenRefusal(token: string, issuers: readonly string[], now: number): string | undefined {
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
    return undefined; // three parts, but no JWT
  }
}

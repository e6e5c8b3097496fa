import { createHash } from 'node:crypto';
import { type PeerCertificate } from 'node:tls';
import { type Metadata } from '@grpc/grpc-js';
import { ApiError } from '@fsb/api/errors';
import { type Kind, type KubeObject } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { REHEARSAL_TOKEN } from '../grpc/rehearsal';
import { type Caller, REHEARSAL } from './caller';
import { tokenRefusal } from './own-claims';
import { ReviewCache } from './review-cache';

interface TokenReview extends KubeObject {
  spec: { token: string };
  status?: {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
}

const TOKEN_REVIEW: Kind<TokenReview> = {
  ...{ group: 'authentication.k8s.io', version: 'v1', plural: 'tokenreviews', kind: 'TokenReview' },
  namespaced: false,
};
const REVIEW_MS = 5_000;
const KNOWN_MS = 60_000;
const UNKNOWN_MS = 10_000;
const MAX_TOKENS = 10_000;
/** Longest token accepted. A service account's has 1 to 2 KiB; Node limits all headers together to 16 KiB. */
const MAX_TOKEN_CHARS = 8 * 1024;

const REHEARSAL_KEY = digest(REHEARSAL_TOKEN);

/** The connection of a call, as far as authentication needs it. */
export interface Peer {
  readonly getAuthContext: () => { readonly sslPeerCertificate?: PeerCertificate | undefined };
  readonly getConnectionInfo: () => { readonly remoteAddress?: string | undefined };
}

/**
 * Identifies the caller: by a bearer token, through a TokenReview of the API server; without one, by a client
 * certificate that the TLS layer has verified.
 */
export class Authenticator {
  private readonly tokens = new ReviewCache<Caller | undefined>({
    freshMs: (caller) => (caller ? KNOWN_MS : UNKNOWN_MS),
    maxEntries: MAX_TOKENS,
    isRefusal: (caller) => caller === undefined,
    isKnown: (caller) => caller !== undefined,
  });

  /** @param issuers issuers of the cluster's tokens; empty: every token is reviewed */
  constructor(
    private readonly client: KubeClient,
    private readonly issuers: readonly string[],
  ) {}

  /**
   * @returns the caller, at once when the token's review is cached; else a promise of it, which rejects with the same
   *   errors
   * @throws ApiError unauthenticated, when there is no valid token or certificate
   * @throws ApiError unavailable, when the API server cannot be asked or too many reviews are in flight
   */
  authenticate(metadata: Metadata, peer: Peer): Caller | Promise<Caller> {
    const [header] = metadata.get('authorization');
    if (header === undefined) return certified(peer) ?? refuse('no bearer token and no client certificate was sent');
    const token = /^Bearer +(\S+)$/i.exec(header.toString())?.[1];
    if (token === undefined || token.length > MAX_TOKEN_CHARS)
      return refuse('the authorization is not "Bearer <token>"');
    // only digests of tokens are kept
    const key = digest(token);
    if (key === REHEARSAL_KEY) return REHEARSAL;
    if (!this.tokens.has(key)) {
      const why = tokenRefusal(token, this.issuers, Date.now());
      if (why !== undefined) return refuse(why);
    }
    const known = this.tokens.get(key, () => this.review(token), peer.getConnectionInfo().remoteAddress);
    return known instanceof Promise ? known.then(accepted) : accepted(known);
  }

  private async review(token: string): Promise<Caller | undefined> {
    const review = { metadata: {}, spec: { token } };
    const { status } = await this.client.create<TokenReview>(TOKEN_REVIEW, review, { deadlineMs: REVIEW_MS });
    const { username = '', groups = [], uid, extra } = status?.user ?? {};
    return status?.authenticated === true ? { name: username, groups, uid, extra } : undefined;
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function accepted(caller: Caller | undefined): Caller {
  return caller ?? refuse('the bearer token is not one that the cluster knows, or has expired');
}

/** The caller of a client certificate. As in Kubernetes, CN is the user and each O a group. */
function certified(peer: Peer): Caller | undefined {
  const subject = peer.getAuthContext().sslPeerCertificate?.subject;
  // Node declares strings, but gives a list when an attribute occurs several times
  const { CN, O } = (subject ?? {}) as Readonly<Record<string, string | string[] | undefined>>;
  if (typeof CN !== 'string') return undefined;
  return { name: CN, groups: O === undefined ? [] : [O].flat() };
}

function refuse(why: string): never {
  const how = 'send "authorization: Bearer <token>" with a token of the cluster, or use a client certificate';
  throw new ApiError('unauthenticated', `${why}; ${how}`);
}

import { createHash } from 'node:crypto';
import { type PeerCertificate } from 'node:tls';
import { type Metadata } from '@grpc/grpc-js';
import { ApiError } from '@fsb/api/errors';
import { type Kind, type KubeObject } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { REHEARSAL_TOKEN } from '../grpc/rehearsal';
import { type Caller, REHEARSAL } from './caller';
import { whyNoToken } from './own-claims';
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
/** A service account's is 1 to 2 KiB; Node takes headers of 16 KiB in all. */
const MAX_TOKEN_CHARS = 8 * 1024;

const REHEARSAL_KEY = digest(REHEARSAL_TOKEN);

/** What a call shows of its connection. */
export interface Peer {
  readonly getAuthContext: () => { readonly sslPeerCertificate?: PeerCertificate | undefined };
  readonly getConnectionInfo: () => { readonly remoteAddress?: string | undefined };
}

/** Who calls: a Kubernetes token, reviewed by the API server, else a client certificate that the TLS layer has checked. */
export class Authenticator {
  private readonly tokens = new ReviewCache<Caller | undefined>({
    freshMs: (caller) => (caller ? KNOWN_MS : UNKNOWN_MS),
    maxEntries: MAX_TOKENS,
    isRefusal: (caller) => caller === undefined,
    isKnown: (caller) => caller !== undefined,
  });

  /** @param issuers of the cluster's tokens; empty: any token is reviewed */
  constructor(
    private readonly client: KubeClient,
    private readonly issuers: readonly string[],
  ) {}

  /** @throws ApiError unauthenticated; unavailable where the API server cannot be asked */
  authenticate(metadata: Metadata, peer: Peer): Caller | Promise<Caller> {
    const [header] = metadata.get('authorization');
    if (header === undefined) return certified(peer) ?? refuse('no bearer token and no client certificate was sent');
    const token = /^Bearer +(\S+)$/i.exec(header.toString())?.[1];
    if (token === undefined || token.length > MAX_TOKEN_CHARS)
      return refuse('the authorization is not "Bearer <token>"');
    // the tokens themselves are not kept
    const key = digest(token);
    if (key === REHEARSAL_KEY) return REHEARSAL;
    if (!this.tokens.has(key)) {
      const why = whyNoToken(token, this.issuers, Date.now());
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

/** As Kubernetes reads a subject: CN is the user, each O a group. */
function certified(peer: Peer): Caller | undefined {
  const subject = peer.getAuthContext().sslPeerCertificate?.subject;
  // declared as strings; of several it is a list
  const { CN, O } = (subject ?? {}) as Readonly<Record<string, string | string[] | undefined>>;
  if (typeof CN !== 'string') return undefined;
  return { name: CN, groups: O === undefined ? [] : [O].flat() };
}

function refuse(why: string): never {
  const how = 'send "authorization: Bearer <token>" with a token of the cluster, or use a client certificate';
  throw new ApiError('unauthenticated', `${why}; ${how}`);
}

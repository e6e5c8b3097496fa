import { X509Certificate } from 'node:crypto';
import { isApiError } from '@fsb/api/errors';
import { AGENT_APP, AGENT_APP_LABEL } from '@fsb/api/labels';
import { type TlsIdentity } from '@fsb/component-base/tls-folder';
import { type Secret, SECRET_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type AgentAuthority } from './agent-authority';

export interface CertifiedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const AT_ONCE = 10;
/** Renewal after half of the 24 hours, so that agents survive half a day without this controller. */
const RENEW_BEFORE_MS = 12 * 60 * 60 * 1000;

/** Name of the Secret that an agent Pod mounts. */
export function agentSecretName(podName: string): string {
  return `${podName}-tls`;
}

/**
 * Keeps a certificate for each agent Pod in a Secret that the Pod owns. Only the API server delivers it: a sandbox in
 * the Pod's network namespace could answer in the agent's place, but cannot mount the Pod's volumes.
 */
export class AgentCertificates {
  /** renewal time in Unix milliseconds, by Pod uid */
  private readonly renewals = new Map<string, number>();

  constructor(
    private readonly client: KubeClient,
    private readonly authority: AgentAuthority,
  ) {}

  /**
   * Creates or renews the Secrets of these Pods, 10 at a time.
   * @returns milliseconds until the next renewal; Infinity without Pods
   * @throws ApiError the first failure, which ends the work after its batch
   */
  async ensure(pods: readonly CertifiedPod[], signal: AbortSignal): Promise<number> {
    for (let at = 0; at < pods.length; at += AT_ONCE) {
      const made = await Promise.allSettled(pods.slice(at, at + AT_ONCE).map((pod) => this.ensureOne(pod, signal)));
      const failed = made.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
    }
    const next = pods.map(({ uid }) => (this.renewals.get(uid) ?? 0) - Date.now());
    return Math.max(0, Math.min(...next));
  }

  forget(uid: string): void {
    this.renewals.delete(uid);
  }

  private async ensureOne(pod: CertifiedPod, signal: AbortSignal): Promise<void> {
    if ((this.renewals.get(pod.uid) ?? 0) > Date.now()) return;
    const before = await this.read(pod, signal);
    const until = before === undefined ? 0 : this.renewalOf(before, pod);
    if (until > Date.now()) {
      this.renewals.set(pod.uid, until);
      return;
    }
    const identity = await this.authority.identityOf(pod.uid);
    const secret = secretOf(pod, identity);
    if (before === undefined) await this.client.create(SECRET_KIND, secret, { signal });
    else {
      const { resourceVersion } = before.metadata;
      const metadata = { ...secret.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
      await this.client.update(SECRET_KIND, { ...secret, metadata }, { signal });
    }
    this.renewals.set(pod.uid, Date.parse(new X509Certificate(identity.cert).validTo) - RENEW_BEFORE_MS);
  }

  private async read({ namespace, name }: CertifiedPod, signal: AbortSignal): Promise<Secret | undefined> {
    try {
      return await this.client.get(SECRET_KIND, { namespace, name: agentSecretName(name) }, { signal });
    } catch (error) {
      if (isApiError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /** Renewal time in Unix milliseconds; 0 if the Secret belongs to another Pod or another CA signed it. */
  private renewalOf({ metadata, data = {} }: Secret, pod: CertifiedPod): number {
    const isOwned = metadata.ownerReferences?.some(({ uid }) => uid === pod.uid) === true;
    const cert = Buffer.from(data['tls.crt'] ?? '', 'base64').toString();
    if (!isOwned || cert === '' || !this.authority.hasSigned(cert)) return 0;
    return Date.parse(new X509Certificate(cert).validTo) - RENEW_BEFORE_MS;
  }
}

function secretOf({ namespace, name, uid }: CertifiedPod, { ca, cert, key }: TlsIdentity): Secret {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    metadata: {
      ...{ namespace, name: agentSecretName(name), labels: { [AGENT_APP_LABEL]: AGENT_APP } },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }],
    },
    type: 'kubernetes.io/tls',
    data: { 'ca.crt': base64(ca), 'tls.crt': base64(cert), 'tls.key': base64(key) },
  };
}

import { X509Certificate } from 'node:crypto';
import { agentServerName } from '@fsb/agent-api/agent-endpoint';
import { type TlsIdentity, type TlsSource } from '@fsb/component-base/tls-folder';
import { type KeyPair, makeClientCertificate, makeServerCertificate } from '@fsb/pki/certificates';

const DAY = 1;
/** Validity after signing. With the hour that a certificate is backdated for clock skew it is valid for 24 hours. */
const AGENT_DAYS = (23 * DAY) / 24;
const OWN_RENEWAL_MS = 12 * 60 * 60 * 1000;

/** CA for the agents' server certificates and this process's client certificate, which is renewed every 12 hours. */
export class AgentAuthority implements TlsSource {
  private readonly listeners: ((identity: TlsIdentity) => void)[] = [];
  private readonly renewing: NodeJS.Timeout;

  private constructor(
    private readonly ca: KeyPair,
    private readonly name: string,
    private own: KeyPair,
  ) {
    this.renewing = setInterval(() => {
      void this.renew().catch(() => undefined); // the current one is valid for another 12 hours; retried then
    }, OWN_RENEWAL_MS).unref();
  }

  /** @param name common name of this process's own certificate */
  static async open(ca: KeyPair, name: string): Promise<AgentAuthority> {
    return new AgentAuthority(ca, name, await makeClientCertificate(ca, `CN=${name}`, DAY));
  }

  get current(): TlsIdentity {
    return { ca: this.ca.cert, ...this.own };
  }

  onChange(listener: (identity: TlsIdentity) => void): void {
    this.listeners.push(listener);
  }

  /** Signs a server certificate for one agent Pod, valid for 24 hours. */
  async identityOf(podUid: string): Promise<TlsIdentity> {
    const pair = await makeServerCertificate(this.ca, [agentServerName(podUid)], AGENT_DAYS);
    return { ca: this.ca.cert, ...pair };
  }

  /** Whether this CA signed a PEM certificate; false for anything that is not a certificate. */
  hasSigned(cert: string): boolean {
    try {
      return new X509Certificate(cert).verify(new X509Certificate(this.ca.cert).publicKey);
    } catch {
      return false;
    }
  }

  close(): void {
    clearInterval(this.renewing);
  }

  private async renew(): Promise<void> {
    this.own = await makeClientCertificate(this.ca, `CN=${this.name}`, DAY);
    for (const listener of this.listeners) listener(this.current);
  }
}

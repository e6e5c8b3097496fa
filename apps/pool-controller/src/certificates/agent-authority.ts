import { X509Certificate } from 'node:crypto';
import { agentServerName } from '@fsb/agent-api/agent-endpoint';
import { type TlsIdentity, type TlsSource } from '@fsb/component-base/tls-folder';
import { type KeyPair, makeClientCertificate, makeServerCertificate } from '@fsb/pki/certificates';

const DAY = 1;
/** Certificates begin an hour before they are made, for clocks differ: 24 hours in all. */
const AGENT_DAYS = (23 * DAY) / 24;
const OWN_RENEWAL_MS = 12 * 60 * 60 * 1000;

/** Signs what agents show, and this process's own certificate for calling them. */
export class AgentAuthority implements TlsSource {
  private readonly listeners: ((identity: TlsIdentity) => void)[] = [];
  private readonly renewing: NodeJS.Timeout;

  private constructor(
    private readonly ca: KeyPair,
    private readonly name: string,
    private own: KeyPair,
  ) {
    this.renewing = setInterval(() => {
      void this.renew().catch(() => undefined); // the present one holds for as long again
    }, OWN_RENEWAL_MS).unref();
  }

  /** @param name of this process, in its own certificate */
  static async open(ca: KeyPair, name: string): Promise<AgentAuthority> {
    return new AgentAuthority(ca, name, await makeClientCertificate(ca, `CN=${name}`, DAY));
  }

  get current(): TlsIdentity {
    return { ca: this.ca.cert, ...this.own };
  }

  onChange(listener: (identity: TlsIdentity) => void): void {
    this.listeners.push(listener);
  }

  /** Good for a day, and for the agent of this Pod alone. */
  async identityOf(podUid: string): Promise<TlsIdentity> {
    const pair = await makeServerCertificate(this.ca, [agentServerName(podUid)], AGENT_DAYS);
    return { ca: this.ca.cert, ...pair };
  }

  /** False of what is no certificate. */
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

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One end of mutual TLS, in PEM. */
export interface TlsIdentity {
  /** CA of the accepted peers */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** An identity that is renewed while it is in use. */
export interface TlsSource {
  readonly current: TlsIdentity;
  onChange(listener: (identity: TlsIdentity) => void): void;
}

/** Poll interval. A kubelet takes a minute to update a mounted Secret; this adds little to it. */
const POLL_MS = 10_000;

/** `ca.crt`, `tls.crt` and `tls.key` of a folder, as a mounted Secret of type kubernetes.io/tls. Polled for changes. */
export class TlsFolder implements TlsSource {
  private readonly listeners: ((identity: TlsIdentity) => void)[] = [];
  private readonly polling: NodeJS.Timeout;
  private identity: TlsIdentity;

  /** @throws Error if a file is missing, or the key does not match the certificate */
  constructor(private readonly folder: string) {
    this.identity = this.read();
    this.polling = setInterval(() => {
      this.reload();
    }, POLL_MS).unref();
  }

  get current(): TlsIdentity {
    return this.identity;
  }

  onChange(listener: (identity: TlsIdentity) => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    clearInterval(this.polling);
  }

  private reload(): void {
    let now: TlsIdentity;
    try {
      now = this.read();
    } catch {
      return; // a change is half done: the next poll sees all of it
    }
    const { ca, cert, key } = this.identity;
    if (now.ca === ca && now.cert === cert && now.key === key) return;
    this.identity = now;
    for (const listener of this.listeners) listener(now);
  }

  private read(): TlsIdentity {
    const pem = (name: string): string => readFileSync(join(this.folder, name), 'utf8');
    const identity = { ca: pem('ca.crt'), cert: pem('tls.crt'), key: pem('tls.key') };
    if (!new X509Certificate(identity.cert).checkPrivateKey(createPrivateKey(identity.key))) {
      throw new Error(`${this.folder}: tls.key is not the key of tls.crt`);
    }
    return identity;
  }
}

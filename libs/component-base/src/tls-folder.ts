import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One end of mutual TLS, in PEM. */
export interface TlsIdentity {
  /** who signs those that are let in */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** An identity that is renewed while it is in use. */
export interface TlsSource {
  readonly current: TlsIdentity;
  onChange(listener: (identity: TlsIdentity) => void): void;
}

/** Kubelets take a minute to bring a changed Secret; this adds little to it. */
const LOOK_MS = 10_000;

/** `ca.crt`, `tls.crt` and `tls.key` of one folder, as a Secret of type kubernetes.io/tls is mounted; read anew when they change. */
export class TlsFolder implements TlsSource {
  private readonly listeners: ((identity: TlsIdentity) => void)[] = [];
  private readonly looking: NodeJS.Timeout;
  private identity: TlsIdentity;

  /** @throws Error where a file is missing, or the key is another certificate's */
  constructor(private readonly folder: string) {
    this.identity = this.read();
    this.looking = setInterval(() => {
      this.look();
    }, LOOK_MS).unref();
  }

  get current(): TlsIdentity {
    return this.identity;
  }

  onChange(listener: (identity: TlsIdentity) => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    clearInterval(this.looking);
  }

  private look(): void {
    let now: TlsIdentity;
    try {
      now = this.read();
    } catch {
      return; // half of a change: the next look sees all of it
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

import { createPrivateKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type TlsIdentity, type TlsSource } from '@fsb/component-base/tls-folder';
import { z } from 'zod';
import { type SandboxTemplate, templateOf } from './sandbox-object';

/** The sandbox that a template is for. */
export interface VouchedFor {
  readonly namespace: string;
  readonly name: string;
  readonly sandboxId: string;
}

/** What a gateway adds to a template that it gives to an agent. */
export interface Vouch {
  /** DER in base64, signed by the installation's agent CA for clients: no agent has one */
  readonly certificate: string;
  /** ECDSA over SHA-256 in base64 */
  readonly signature: string;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const Vouched = z.object({ vouch: z.object({ certificate: z.string(), signature: z.string() }) });

/** Signs what an agent is given to keep, with the key that its caller shows to agents. */
export class TemplateSigner {
  private key: KeyObject;
  private certificate: string;

  constructor(tls: TlsSource) {
    [this.key, this.certificate] = parsed(tls.current);
    tls.onChange((identity) => {
      [this.key, this.certificate] = parsed(identity);
    });
  }

  vouch(sandbox: VouchedFor, template: SandboxTemplate): Vouch {
    const signature = sign('sha256', statement(sandbox, template), this.key).toString('base64');
    return { certificate: this.certificate, signature };
  }
}

/** Tells what a gateway has asked for from what an agent made up. */
export class TemplateVerifier {
  constructor(private readonly tls: TlsSource) {}

  /** The template of a reported sandbox; undefined where there is none, or no gateway has vouched for it as it is. */
  vouched(sandbox: VouchedFor, object: AgentSandboxStatus['object']): SandboxTemplate | undefined {
    const template = templateOf(object);
    const said = Vouched.safeParse(object);
    if (!template || !said.success) return undefined;
    try {
      const { certificate, signature } = said.data.vouch;
      const signer = new X509Certificate(Buffer.from(certificate, 'base64'));
      const isCaller =
        isSigned(signer, this.tls.current.ca) && (signer.keyUsage as string[] | undefined)?.includes(CLIENT_AUTH);
      const isIts = verify('sha256', statement(sandbox, template), signer.publicKey, Buffer.from(signature, 'base64'));
      return isCaller === true && isIts ? template : undefined;
    } catch {
      return undefined; // no certificate, or another kind of key
    }
  }
}

/** The same bytes on both sides, in whatever order an agent's JSON has the fields. */
function statement({ namespace, name, sandboxId }: VouchedFor, { metadata, spec }: SandboxTemplate): Buffer {
  const { labels, annotations } = metadata;
  return Buffer.from(canonical({ namespace, name, sandboxId, metadata: { labels, annotations }, spec }));
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const sorted = fields.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${sorted.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

/** Expired ones count: the sandbox of a create outlives the certificate that asked for it. */
function isSigned(certificate: X509Certificate, ca: string): boolean {
  const authority = new X509Certificate(ca);
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function parsed({ cert, key }: TlsIdentity): [KeyObject, string] {
  return [createPrivateKey(key), new X509Certificate(cert).raw.toString('base64')];
}

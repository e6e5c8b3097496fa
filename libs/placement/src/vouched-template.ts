import { createPrivateKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type TlsIdentity, type TlsSource } from '@fsb/component-base/tls-folder';
import { z } from 'zod';
import { type SandboxTemplate, templateOf } from './sandbox-object';

/** The sandbox that a template is for. */
export interface TemplateSubject {
  readonly namespace: string;
  readonly name: string;
  readonly sandboxId: string;
}

/** A gateway's signature on a template that it gives to an agent. */
export interface Vouch {
  /** DER in base64; a client certificate of the installation's agent CA, which no agent has */
  readonly certificate: string;
  /** ECDSA over SHA-256 in base64 */
  readonly signature: string;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const Vouched = z.object({ vouch: z.object({ certificate: z.string(), signature: z.string() }) });

/** Signs templates with the key of the client certificate for agents. */
export class TemplateSigner {
  private key: KeyObject;
  private certificate: string;

  constructor(tls: TlsSource) {
    [this.key, this.certificate] = parsed(tls.current);
    tls.onChange((identity) => {
      [this.key, this.certificate] = parsed(identity);
    });
  }

  vouch(sandbox: TemplateSubject, template: SandboxTemplate): Vouch {
    const signature = sign('sha256', statement(sandbox, template), this.key).toString('base64');
    return { certificate: this.certificate, signature };
  }
}

/** Verifies that a gateway, not an agent, made a template. */
export class TemplateVerifier {
  constructor(private readonly tls: TlsSource) {}

  /** The template of a reported sandbox. @returns undefined if there is none, or its signature is not a gateway's */
  vouched(sandbox: TemplateSubject, object: AgentSandboxStatus['object']): SandboxTemplate | undefined {
    const template = templateOf(object);
    const signed = Vouched.safeParse(object);
    if (!template || !signed.success) return undefined;
    try {
      const { certificate, signature } = signed.data.vouch;
      const signer = new X509Certificate(Buffer.from(certificate, 'base64'));
      const isCaller =
        isSigned(signer, this.tls.current.ca) && (signer.keyUsage as string[] | undefined)?.includes(CLIENT_AUTH);
      const isValid = verify(
        'sha256',
        statement(sandbox, template),
        signer.publicKey,
        Buffer.from(signature, 'base64'),
      );
      return isCaller === true && isValid ? template : undefined;
    } catch {
      return undefined; // malformed certificate, or another kind of key
    }
  }
}

/** The signed bytes: canonical JSON, the same for any order of fields in an agent's JSON. */
function statement({ namespace, name, sandboxId }: TemplateSubject, { metadata, spec }: SandboxTemplate): Buffer {
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

/** Whether the CA signed a certificate. Expired ones count: a sandbox outlives the certificate of its create. */
function isSigned(certificate: X509Certificate, ca: string): boolean {
  const authority = new X509Certificate(ca);
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function parsed({ cert, key }: TlsIdentity): [KeyObject, string] {
  return [createPrivateKey(key), new X509Certificate(cert).raw.toString('base64')];
}

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentServerName } from '@fsb/agent-api/agent-endpoint';
import { TlsFolder, type TlsIdentity } from '@fsb/component-base/tls-folder';
import { type KeyPair, makeCa, makeClientCertificate, makeServerCertificate } from '@fsb/pki/certificates';

/**
 * The certificates of one installation's agents and their callers: one CA, and one folder per process in the layout
 * that the processes read.
 */
export class AgentPki {
  private constructor(
    readonly folder: string,
    readonly ca: KeyPair,
  ) {}

  /** @param folder removed by the caller */
  static async make(folder = mkdtempSync(join(tmpdir(), 'fsb-pki-'))): Promise<AgentPki> {
    const pki = new AgentPki(folder, await makeCa('fast-sandbox-agent-ca'));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'ca.crt'), pki.ca.cert);
    writeFileSync(join(folder, 'ca.key'), pki.ca.key);
    pki.write('client', await makeClientCertificate(pki.ca, 'CN=test'));
    return pki;
  }

  /** Value of `--agent-tls-dir`. */
  get clientDir(): string {
    return join(this.folder, 'client');
  }

  /** Certificates of the callers, read from {@link clientDir}. */
  get client(): TlsFolder {
    return new TlsFolder(this.clientDir);
  }

  /** Value of the agent's `--tls-dir`. @param podUid `*`: a certificate valid for every agent */
  async agentDir(podUid: string): Promise<string> {
    return this.write(`agent-${podUid}`, await makeServerCertificate(this.ca, [agentServerName(podUid)]));
  }

  async agent(podUid: string): Promise<TlsIdentity> {
    return { ca: this.ca.cert, ...(await makeServerCertificate(this.ca, [agentServerName(podUid)])) };
  }

  private write(name: string, { cert, key }: KeyPair): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    const texts = { 'ca.crt': this.ca.cert, 'tls.crt': cert, 'tls.key': key };
    for (const [file, text] of Object.entries(texts)) writeFileSync(join(path, file), text);
    return path;
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentPki } from '../../../test/support/agent-pki';
import { type TlsSource } from '@fsb/component-base/tls-folder';
import { type SandboxTemplate } from './sandbox-object';
import { TemplateSigner, TemplateVerifier, type TemplateSubject } from './vouched-template';

const BOX: TemplateSubject = { namespace: 'team-a', name: 'box', sandboxId: 'id-1' };
const TEMPLATE: SandboxTemplate = {
  metadata: { labels: { b: '2', a: '1' }, annotations: {} },
  spec: { image: 'busybox', poolRef: 'pool', envs: [{ name: 'A', value: 'ä' }] },
};

describe('TemplateVerifier', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fsb-vouch-'));
  let pki: AgentPki;
  let verifier: TemplateVerifier;
  let object: Record<string, unknown>;

  beforeAll(async () => {
    pki = await AgentPki.make(join(folder, 'pki'));
    verifier = new TemplateVerifier(pki.client);
    object = { ...TEMPLATE, vouch: new TemplateSigner(pki.client).vouch(BOX, TEMPLATE) };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const spoilt = (change: object): Record<string, unknown> => ({ ...object, ...change });
  const fixed = (current: TlsSource['current']): TlsSource => ({ current, onChange: () => undefined });

  it('accepts what a gateway signed, in any order of fields', () => {
    const { spec, metadata, vouch } = JSON.parse(JSON.stringify(object)) as Record<string, Record<string, unknown>>;
    const turned = Object.fromEntries(Object.entries(spec ?? {}).reverse());
    expect(verifier.vouched(BOX, { vouch, spec: turned, metadata })).toEqual(TEMPLATE);
  });

  it.each<[string, TemplateSubject, object]>([
    ['of another namespace', { ...BOX, namespace: 'team-b' }, {}],
    ['of another name', { ...BOX, name: 'other' }, {}],
    ['of another sandbox', { ...BOX, sandboxId: 'id-2' }, {}],
    ['with another image', BOX, { spec: { ...TEMPLATE.spec, image: 'other' } }],
    ['with an added secret', BOX, { spec: { ...TEMPLATE.spec, imagePullSecrets: [{ name: 's' }] } }],
    ['without a signature', BOX, { vouch: undefined }],
    ['with a malformed certificate', BOX, { vouch: { certificate: 'AAAA', signature: 'AAAA' } }],
  ])('rejects a template %s', (_what, box, change) => {
    expect(verifier.vouched(box, spoilt(change))).toBeUndefined();
  });

  it.each([
    ['an agent of the installation', () => pki.agent('uid-1')],
    ['a gateway of another installation', async () => (await AgentPki.make(join(folder, 'other'))).client.current],
  ])('rejects a template that %s has signed', async (_who, identity) => {
    const vouch = new TemplateSigner(fixed(await identity())).vouch(BOX, TEMPLATE);
    expect(verifier.vouched(BOX, spoilt({ vouch }))).toBeUndefined();
  });
});

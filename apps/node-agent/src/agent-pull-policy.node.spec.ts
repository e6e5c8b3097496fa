import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';
import { ArchiveRegistry } from './testing/archive-registry';
import { base, type Descriptor, file, ImageArchive } from './testing/image-archive';

const run = promisify(execFile);
const CONFIG = { Env: ['PATH=/bin'], Cmd: ['cat', '/mark'] };

/** With a real containerd and a registry on loopback, for warm and cold starts. */
describe('node-agent: imagePullPolicy', () => {
  let agent: AgentProcess;
  let registry: ArchiveRegistry;
  let one: Descriptor;
  let two: Descriptor;

  beforeAll(async () => {
    const archive = new ImageArchive();
    [one, two] = ['one', 'two'].map((mark) => archive.manifest([base(), [file('mark', mark)]], CONFIG)) as [
      Descriptor,
      Descriptor,
    ];
    registry = await ArchiveRegistry.start(archive);
    agent = await AgentProcess.start('policy', { pull: 'true', 'agent-capacity': '20', 'warm-containers': '4' });
  }, 120_000);

  afterAll(async () => {
    registry.stop();
    await agent.stop();
  }, 60_000);

  async function output(id: string, image: string, imagePullPolicy?: string): Promise<string> {
    const more = { image, command: undefined, ...(imagePullPolicy ? { imagePullPolicy } : {}) };
    expect(await agent.create(id, more)).toMatchObject({ status: 200 });
    await agent.ended(id);
    return readFileSync(agent.path('logs', `${id}.log`), 'utf8');
  }

  it.each(['latest', 'v1'])('IfNotPresent is the default, and asks no registry for a cached image: %s', async (tag) => {
    const image = registry.tag('default', tag, one);
    expect(await output(`default-1-${tag}`, image)).toBe('one');
    registry.tag('default', tag, two);
    registry.requests.length = 0;
    expect(await output(`default-2-${tag}`, image)).toBe('one');
    expect(await output(`default-3-${tag}`, image, 'IfNotPresent')).toBe('one');
    expect(registry.requests).toEqual([]);
  });

  it("Always asks the registry, takes the tag's present image, and fetches only missing content", async () => {
    const image = registry.tag('always', 'v1', one);
    expect(await output('always-1', image, 'Always')).toBe('one');
    registry.requests.length = 0;
    expect(await output('always-2', image, 'Always')).toBe('one');
    expect(registry.asked('always')).toEqual(['HEAD /v2/always/manifests/v1']);
    await eventually(async () => (await agent.status()).waiting?.includes(image)); // of the tag's former image
    registry.tag('always', 'v1', two);
    expect(await output('always-3', image, 'Always')).toBe('two');
    expect(await output('always-4', image)).toBe('two');
    registry.protect('always', 'nobody knows it');
    const refused = await agent.create('always-5', { image, imagePullPolicy: 'Always' });
    expect(refused).toMatchObject({ status: 404, body: { code: 'image_not_found' } });
  }, 60_000);

  it('Never asks no registry, and runs an image that was loaded', async () => {
    const image = registry.tag('never', 'v1', one);
    registry.requests.length = 0;
    const refused = await agent.create('never-1', { image, imagePullPolicy: 'Never' });
    expect(refused).toMatchObject({ status: 404, body: { code: 'image_never_pull' } });
    expect(refused.body.message).toBe(
      `imagePullPolicy: Never, and ${image} is not in the node's cache (ErrImageNeverPull)`,
    );
    const archive = new ImageArchive();
    archive.add(image, [base(), [file('mark', 'loaded')]], CONFIG);
    archive.write(agent.path('loaded.tar'));
    await run('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', 'images', 'import', agent.path('loaded.tar')]);
    registry.requests.length = 0;
    expect(await output('never-2', image, 'Never')).toBe('loaded');
    expect(registry.requests).toEqual([]);
  });

  it('is refused with any other value, naming the allowed ones', async () => {
    const answer = await agent.create('other', { imagePullPolicy: 'Sometimes' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(answer.body.message).toMatch(/imagePullPolicy.*Always.*IfNotPresent.*Never/);
  });
});

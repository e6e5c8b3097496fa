import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';
import { ArchiveRegistry } from './testing/archive-registry';
import { base, type Descriptor, file, ImageArchive } from './testing/image-archive';

const run = promisify(execFile);
const CONFIG = { Env: ['PATH=/bin'], Cmd: ['cat', '/mark'] };
const STARTS = ['cold', 'warm'] as const;

/**
 * Who gets a cached private image: with a real containerd, and requests as gateway and sandbox-controller send them.
 */
describe('node-agent: a private image of the node', () => {
  let agent: AgentProcess;
  let registry: ArchiveRegistry;
  let archive: ImageArchive;

  beforeAll(async () => {
    archive = new ImageArchive();
    registry = await ArchiveRegistry.start(archive);
    agent = await AgentProcess.start('access', { pull: 'true', 'agent-capacity': '40', 'warm-containers': '4' });
  }, 120_000);

  afterAll(async () => {
    registry.stop();
    await agent.stop();
  }, 60_000);

  const made = (mark: string): Descriptor => archive.manifest([base(), [file('mark', mark)]], CONFIG);
  const ctr = (...args: string[]) => run('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', ...args]);
  /** as the sandbox-controller asks: with the credentials of the namespace's Secret */
  const shown = (password: string) => ({ pullSecrets: [{ host: registry.host, username: 'me', password }] });
  let count = 0;

  /** @returns its output, or the code of the refusal, and whether it was a warm start */
  async function create(image: string, namespace: string, more: object = {}): Promise<[string, boolean]> {
    const id = `access-${++count}`;
    const { status, body } = await agent.create(id, { image, namespace, command: undefined, ...more });
    if (status !== 200) return [body.code ?? '', false];
    await agent.ended(id);
    const wasWarm = body.stages?.some(({ name }) => name === 'launch') ?? false;
    return [readFileSync(agent.path('logs', `${id}.log`), 'utf8'), wasWarm];
  }

  const waits = (image: string) => eventually(async () => (await agent.status()).waiting?.includes(image));

  describe.each(STARTS)('%s', (start) => {
    const isWarm = start === 'warm';
    const repository = `private-${start}`;
    /** an order of over 60 KiB makes a cold start */
    const env = { LONG: 'x'.repeat(isWarm ? 1 : 61 * 1024) };
    let image: string;
    const ready = async (): Promise<void> => {
      if (isWarm) await waits(image);
    };
    const given = async (namespace: string, more: object = {}): Promise<void> => {
      await ready();
      registry.requests.length = 0;
      expect(await create(image, namespace, { env, ...more })).toEqual(['private', isWarm]);
      expect(registry.requests).toEqual([]);
    };
    const refused = async (namespace: string, more: object = {}, code = 'image_not_found'): Promise<void> => {
      await ready();
      expect(await create(image, namespace, { env, ...more })).toEqual([code, false]);
    };

    beforeAll(async () => {
      image = registry.tag(repository, 'v1', made('private'));
      registry.protect(repository, 'pw', 'second');
      expect((await create(image, 'team-a', shown('pw')))[0]).toBe('private');
      if (!isWarm) return;
      await create(image, 'team-a');
      await create(image, 'team-a');
      await waits(image);
    }, 60_000);

    it('is given to the namespace that has pulled it, with or without credentials, without a request', async () => {
      await given('team-a', shown('pw'));
      await given('team-a'); // as the gateway asks: it names no Secret
    });

    it('is refused to other namespaces', async () => {
      await refused('team-b');
      await refused('team-b', shown('guess'));
      await refused('team-b', { imagePullPolicy: 'Never' }, 'image_never_pull');
    });

    it('is given for the same credentials, and for others that the registry accepts', async () => {
      await given('team-c', shown('pw'));
      await ready();
      expect((await create(image, 'team-d', shown('second')))[0]).toBe('private');
      expect(registry.asked(repository)).toContain(`HEAD /v2/${repository}/manifests/v1`);
      await given('team-d');
    });

    it('is refused by another name of the same content as well', async () => {
      const digest = image.replace(':v1', `@${made('private').digest}`);
      expect(await create(digest, 'team-b')).toEqual(['image_not_found', false]);
    });

    it('is refused and given as before after the agent was killed', async () => {
      await agent.end('SIGKILL');
      await agent.launch();
      await refused('team-b');
      await given('team-a');
    }, 90_000);
  });

  it('that turns out public is given to everybody from the first pull without credentials on', async () => {
    const image = registry.tag('public', 'v1', made('public'));
    expect((await create(image, 'team-a', shown('needless')))[0]).toBe('public');
    registry.requests.length = 0;
    expect((await create(image, 'team-b'))[0]).toBe('public');
    expect(registry.asked('public')).toEqual(['HEAD /v2/public/manifests/v1']); // nothing is fetched again
    registry.protect('public', 'pw');
    expect((await create(image, 'team-c'))[0]).toBe('public');
  });

  it('that another client of containerd has pulled is pulled again', async () => {
    const image = registry.tag('foreign', 'v1', made('foreign'));
    registry.protect('foreign', 'pw');
    await ctr('images', 'pull', '--plain-http', '--user', 'me:pw', image);
    expect((await create(image, 'team-a'))[0]).toBe('image_not_found');
    expect((await create(image, 'team-a', { imagePullPolicy: 'Never', ...shown('pw') }))[0]).toBe('image_never_pull');
    expect((await create(image, 'team-a', shown('pw')))[0]).toBe('foreign');
    expect((await create(image, 'team-a'))[0]).toBe('foreign');
  });

  it('that was loaded is given to everybody', async () => {
    const loaded = new ImageArchive();
    const name = `${registry.host}/loaded:v1`;
    loaded.add(name, [base(), [file('mark', 'loaded')]], CONFIG);
    loaded.write(agent.path('loaded.tar'));
    registry.protect('loaded', 'pw');
    await ctr('images', 'import', agent.path('loaded.tar'));
    for (const namespace of ['team-a', 'team-b']) expect((await create(name, namespace))[0]).toBe('loaded');
  });
});

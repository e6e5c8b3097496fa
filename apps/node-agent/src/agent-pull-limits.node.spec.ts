import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';
import { ArchiveRegistry } from './testing/archive-registry';
import { base, type Descriptor, file, ImageArchive } from './testing/image-archive';
import { type TarEntry } from './testing/tar';

const run = promisify(execFile);
const CONFIG = { Env: ['PATH=/bin'], Cmd: ['true'] };
const MIB = 1024 * 1024;
const SILENT_MS = 3_000;
const LATE_MS = 30_000;

/** Registries that do not answer, answer slowly, or send too much: real ones, and a real containerd. */
describe('node-agent: pulls', () => {
  let agent: AgentProcess;
  let registry: ArchiveRegistry;
  let archive: ImageArchive;

  beforeAll(async () => {
    archive = new ImageArchive();
    registry = await ArchiveRegistry.start(archive);
    agent = await AgentProcess.start('pulls', {
      ...{ pull: 'true', 'agent-capacity': '40', 'max-image-size': '64Mi', 'image-pull-progress-timeout': '3s' },
      ...{ 'max-image-pulls': '5', 'max-image-pulls-per-namespace': '2' },
    });
  }, 120_000);

  afterAll(async () => {
    registry.stop();
    await agent.stop();
  }, 60_000);

  let count = 0;
  const create = (image: string, namespace = 'team-a', signal?: AbortSignal) =>
    agent.create(`pulls-${++count}`, { image, namespace, command: ['/bin/true'] }, signal);
  const image = (repository: string, ...layers: readonly TarEntry[][]): [string, Descriptor] => {
    const descriptor = archive.manifest([base(), [file('mark', repository)], ...layers], CONFIG);
    return [registry.tag(repository, 'v1', descriptor), descriptor];
  };
  /** of the last layer */
  const lastLayer = ({ digest }: Descriptor): string => {
    const { layers } = JSON.parse(String(archive.blob(digest))) as { layers: Descriptor[] };
    return layers.at(-1)!.digest;
  };
  const ctr = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await run('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', ...args]);
    return stdout.split('\n').filter((line) => line !== '');
  };
  /** names, blobs, active fetches, snapshots */
  const kept = async (): Promise<string[][]> => [
    (await ctr('images', 'ls', '-q')).sort(),
    (await ctr('content', 'ls', '-q')).sort(),
    (await ctr('content', 'active')).slice(1),
    (await ctr('snapshots', 'ls')).map((line) => line.split(' ')[0] ?? '').sort(),
  ];

  it('from a silent registry hold two seats of their own namespace only, until the timeout', async () => {
    const [good] = image('good');
    const silent = ['silent-1', 'silent-2', 'silent-3'].map((repository) => {
      registry.silence(repository);
      return image(repository)[0];
    });
    const started = performance.now();
    const leave = new AbortController();
    const left = create(silent[0]!, 'team-a', leave.signal);
    left.catch(() => undefined); // its caller leaves
    const waits = create(silent[1]!);
    await eventually(() => registry.asked('silent-1').length > 0 && registry.asked('silent-2').length > 0, LATE_MS);
    leave.abort();
    const refused = await create(silent[2]!);
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(refused.body.message).toMatch(/^image: .*2 images of namespace "team-a" are being pulled/);
    expect(await create(good, 'team-b')).toMatchObject({ status: 200 });
    const answer = await waits;
    expect(answer).toMatchObject({ status: 404, body: { code: 'image_not_found' } });
    expect(answer.body.message).toMatch(/nothing has come of it for \d+ s$/);
    expect(performance.now() - started).toBeLessThan(SILENT_MS + LATE_MS);
    await eventually(async () => (await create(good, 'team-a')).status === 200, LATE_MS);
  }, 90_000);

  it('that stop in the middle of a layer are aborted, and leave nothing of it', async () => {
    const before = await kept();
    const [name, descriptor] = image('stops', [file('data', randomBytes(8 * MIB))]);
    registry.pace(lastLayer(descriptor), 'never');
    expect(await create(name)).toMatchObject({ status: 404, body: { code: 'image_not_found' } });
    await eventually(async () => expect(await kept()).toEqual(before), LATE_MS, 500);
  }, 90_000);

  it('that are slow but make progress complete', async () => {
    const [name, descriptor] = image('slow', [file('data', randomBytes(8 * MIB))]);
    registry.pace(lastLayer(descriptor), 'slow');
    const started = performance.now();
    expect(await create(name)).toMatchObject({ status: 200 });
    expect(performance.now() - started).toBeGreaterThan(2 * SILENT_MS - 1_000);
  }, 60_000);

  it.each([
    ['one layer of zeros', 'bomb', [[file('zeros', Buffer.alloc(256 * MIB))]]],
    ['layers that are too much together', 'sum', [1, 2, 3].map((n) => [file(`zeros-${n}`, Buffer.alloc(30 * MIB, n))])],
  ])(
    'of %s are refused with the limit named, and leave nothing',
    async (_, repository, layers) => {
      const before = await kept();
      const [name] = image(repository, ...layers);
      const answer = await create(name);
      expect(answer).toMatchObject({ status: 412, body: { code: 'image_faulty' } });
      expect(answer.body.message).toMatch(/^image: \S+ is larger than 64Mi, its layers unpacked; .*--max-image-size/);
      await eventually(async () => expect(await kept()).toEqual(before), LATE_MS, 500);
      expect((await agent.status()).images).not.toContain(name);
    },
    90_000,
  );

  it('of an endless layer are aborted', async () => {
    const before = await kept();
    const [name, descriptor] = image('endless', [file('data', randomBytes(MIB))]);
    registry.pace(lastLayer(descriptor), 'endless');
    const { status, body } = await create(name);
    expect([404, 412]).toContain(status); // containerd may notice first
    expect(body.message).toMatch(/^image: /);
    await eventually(async () => expect(await kept()).toEqual(before), LATE_MS, 500);
  }, 90_000);

  it('of an image below the limit complete', async () => {
    const [name] = image('large', [file('zeros', Buffer.alloc(40 * MIB))]);
    expect(await create(name)).toMatchObject({ status: 200 });
  }, 60_000);
});

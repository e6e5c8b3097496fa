import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';
import { FOLDER_IMAGES, FOLDER_QUIRKS } from './testing/folder-quirks';
import { ImageArchive } from './testing/image-archive';
import { Podman, type PodmanOutcome } from './testing/podman';
import { PROGRAM_IMAGES, PROGRAM_QUIRKS } from './testing/program-quirks';
import { type Quirk, shell } from './testing/quirk';
import { USER_IMAGES, USER_QUIRKS } from './testing/user-quirks';

const IMAGES = { ...PROGRAM_IMAGES, ...USER_IMAGES, ...FOLDER_IMAGES };
const QUIRKS = [...PROGRAM_QUIRKS, ...USER_QUIRKS, ...FOLDER_QUIRKS];
const LONG_MS = 120_000;
const WAITS_MS = 40_000;
/** An order of over 60 KiB makes a cold start. */
const TOO_LONG = 'x'.repeat(61 * 1024);

const nameOf = (image: string): string => `quirk.test/${image}:1`;

/** The result of a create: the refusal, or the process's output and exit code. */
type Outcome =
  { refused: [code: string | undefined, message: string | undefined] } | { output: string; exitCode: number };

describe('node-agent: odd images and commands, warm and cold, and in podman', () => {
  let agent: AgentProcess;
  let podman: Podman | undefined;
  let creates = 0;

  beforeAll(async () => {
    const warm = Object.keys(IMAGES).map((image) => ({ image: nameOf(image), containers: 1 }));
    agent = await AgentProcess.start('quirks', {
      ...{ 'agent-capacity': '500', 'warm-containers': '200', 'warm-images': JSON.stringify(warm) },
      ...{ 'sandboxes-per-shim': '16', 'runtime-binary': '/usr/bin/crun' },
    });
    podman = Podman.find();
    if (!podman)
      console.warn('SKIPPED, nothing is compared with podman: it is not installed (scripts/packages.sh podman)');
    const archive = new ImageArchive();
    for (const [name, { layers, config }] of Object.entries(IMAGES)) archive.add(nameOf(name), layers, config);
    const out = agent.path('quirks.tar');
    archive.write(out);
    execFileSync('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', 'images', 'import', out]);
  }, 2 * LONG_MS);

  afterAll(async () => {
    await podman?.stop();
    await agent.stop();
  }, LONG_MS);

  async function create(
    how: 'warm' | 'cold',
    { image, request = {} }: Pick<Quirk, 'image' | 'request'>,
  ): Promise<Outcome> {
    const id = `${how}-${creates++}`;
    if (how === 'warm') await eventually(async () => (await agent.status()).waiting?.includes(nameOf(image)), WAITS_MS);
    const env = { ...request.env, ...(how === 'cold' ? { TOO_LONG } : {}) };
    const { status, body } = await agent.create(id, {
      command: undefined,
      ...request,
      claimName: 'quirk',
      image: nameOf(image),
      env,
    });
    if (status !== 200) return { refused: [body.code, body.message] };
    const { exitCode = -1 } = await agent.ended(id);
    const output = readFileSync(agent.path('logs', `${id}.log`), 'utf8');
    expect(body.stages?.some(({ name }) => name === 'task')).toBe(how === 'cold');
    await agent.post('delete', { sandboxId: id });
    return { output, exitCode };
  }

  it.each(QUIRKS.map((quirk) => [quirk.name, quirk.rule, quirk] as const))(
    '%s (%s)',
    async (_name, rule, quirk) => {
      const warm = await create('warm', quirk);
      const cold = await create('cold', quirk);
      expect(warm).toEqual(cold);
      if (quirk.refused) {
        expect(cold).toMatchObject({ refused: [quirk.refused[0], expect.stringMatching(quirk.refused[1])] });
        expect(JSON.stringify(cold)).not.toMatch(/crun|runc|\/var\/|overlay|snapshot/);
      } else expect(cold).toEqual({ output: quirk.prints, exitCode: quirk.exitCode ?? 0 });
      if (!podman || rule !== 'docker') return;
      const found = await podman.run(quirk.image, IMAGES[quirk.image]!, quirk.request ?? {});
      if (quirk.refused) expect({ ...found, ran: found.code === 0 }).toMatchObject({ output: '', ran: false });
      else expect(found).toEqual<PodmanOutcome>({ output: quirk.prints ?? '', code: quirk.exitCode ?? 0 });
    },
    LONG_MS,
  );

  it('have at least 60 rows, each with its rule, and a reason where that is not docker', () => {
    expect(QUIRKS.length).toBeGreaterThanOrEqual(60);
    expect(QUIRKS.filter(({ rule, why }) => rule !== 'docker' && why === undefined)).toEqual([]);
    expect(new Set(QUIRKS.map(({ name }) => name)).size).toBe(QUIRKS.length);
  });

  it.each(['warm', 'cold'] as const)(
    'see their own limits below /sys/fs/cgroup, and cannot change them (%s)',
    async (how) => {
      const read = (...files: string[]): string => files.map((name) => `/sys/fs/cgroup/${name}`).join(' ');
      const limits = read('memory/memory.limit_in_bytes', 'memory.max', 'pids/pids.max', 'pids.max');
      const look = `cat ${limits} 2>/dev/null; for f in ${limits}; do { echo 1 >$f; } 2>/dev/null && echo changed; done; echo done`;
      const request = { ...shell(look), resources: { memory: '64Mi', pids: '60' } };
      expect(await create(how, { image: 'wd-root', request })).toEqual({ output: '67108864\n60\ndone\n', exitCode: 0 });
    },
    LONG_MS,
  );
});

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';
import { base, type Descriptor, dir, file, ImageArchive, type Platform } from './testing/image-archive';

const SHELL = { Env: ['PATH=/bin'], Cmd: ['cat', '/mark'] };
const LONG_MS = 30_000;

describe('node-agent: images of the store', () => {
  let agent: AgentProcess;

  beforeAll(async () => {
    agent = await AgentProcess.start('store', { pull: 'true', 'agent-capacity': '20' });
  }, 120_000);

  afterAll(async () => {
    await agent.stop();
  }, 60_000);

  const log = (id: string): string => readFileSync(agent.path('logs', `${id}.log`), 'utf8');
  const ctr = (...args: string[]): string =>
    execFileSync('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', ...args], { encoding: 'utf8' });
  const load = (archive: ImageArchive, ...flags: string[]): void => {
    const out = agent.path('image.tar');
    archive.write(out);
    ctr('images', 'import', ...flags, out);
  };
  async function output(id: string, image: string, more: object = {}): Promise<string> {
    expect(await agent.create(id, { image, command: undefined, ...more })).toMatchObject({ status: 200 });
    await agent.ended(id);
    return log(id);
  }

  describe('in an index, chosen as containerd does', () => {
    const entry = (archive: ImageArchive, text: string, platform?: Platform, said = platform): Descriptor => ({
      ...archive.manifest([base(), [file('mark', text)]], SHELL, platform),
      ...(said ? { platform: said } : {}),
    });
    const amd64 = { os: 'linux', architecture: 'amd64' };
    const arm64 = { os: 'linux', architecture: 'arm64', variant: 'v8' };
    const cases: [string, (archive: ImageArchive) => Descriptor, string | undefined][] = [
      ['variant', (a) => a.index([entry(a, 'v4', { ...amd64, variant: 'v4' }), entry(a, 'plain', amd64)]), 'plain'],
      ['windows', (a) => a.index([entry(a, 'w', { ...amd64, os: 'windows' }), entry(a, 'linux', amd64)]), 'linux'],
      [
        'attested',
        (a) => a.index([entry(a, 'x', { os: 'unknown', architecture: 'unknown' }), entry(a, 'i', amd64)]),
        'i',
      ],
      ['unnamed', (a) => a.index([{ ...entry(a, 'arm', arm64, undefined), platform: undefined }, { ...entry(a, 'own'), platform: undefined }]), 'own'], // prettier-ignore
      ['nested', (a) => a.index([a.index([entry(a, 'inner', amd64)])]), 'inner'],
      ['direct', (a) => entry(a, 'taken as it is', arm64, undefined), 'taken as it is'],
      ['foreign', (a) => a.index([entry(a, 'arm', arm64)]), undefined],
    ];
    it.each(cases)('%s', async (tag, make, expected) => {
      const archive = new ImageArchive();
      archive.name(`index.test/i:${tag}`, make(archive));
      load(archive, '--all-platforms', '--no-unpack');
      if (expected === undefined) {
        const answer = await agent.create(`index-${tag}`, { image: `index.test/i:${tag}` });
        expect(answer).toMatchObject({ status: 404, body: { code: 'image_not_found' } });
        expect(answer.body.message).toMatch(/no manifest for linux/);
      } else expect(await output(`index-${tag}`, `index.test/i:${tag}`)).toBe(expected);
    });
  });

  /** All names that an image has, as the kubelet removes them. */
  const namesOf = (name: string): string[] => {
    const rows = ctr('images', 'ls')
      .split('\n')
      .map((line) => line.split(/\s+/));
    const digest = rows.find(([found]) => found === name)?.[2];
    return rows.flatMap(([found = '', , of]) => (of === digest ? [found] : []));
  };

  it.each([[[]], [['--no-unpack']]])(
    'run after they were garbage-collected and imported again (%j)',
    async (flags) => {
      const tag = flags.length > 0 ? 'packed' : 'unpacked';
      const name = `again.test/a:${tag}`;
      const archive = new ImageArchive();
      archive.add(name, [base(), [file('mark', tag)], [file('other', tag)]], SHELL);
      load(archive);
      expect(await output(`${tag}-1`, name)).toBe(tag);
      await agent.post('delete', { sandboxId: `${tag}-1` });
      await eventually(async () => (await agent.of(`${tag}-1`)) === undefined, LONG_MS);
      const snapshots = (): number => ctr('snapshots', 'ls').split('\n').length;
      const before = snapshots();
      await eventually(() => namesOf(name).length > 1, LONG_MS); // CRI's alias: it keeps the image
      ctr('images', 'rm', '--sync', ...namesOf(name));
      await eventually(() => snapshots() < before, LONG_MS);
      load(archive, ...flags);
      expect(await output(`${tag}-2`, name)).toBe(tag);
      expect(await output(`${tag}-3`, name, { command: ['sort', '/other'] })).toBe(`${tag}\n`);
    },
    90_000,
  );

  it('keep their files below /run', async () => {
    const archive = new ImageArchive();
    const run = [dir('run'), dir('run/postgresql', 0o2775, 1000, 1000), file('run/postgresql/seed', 'seed')];
    archive.add('run.test/r:1', [base(), run], { ...SHELL, User: 'app' });
    load(archive);
    const look = 'ls -a /run; cat /run/postgresql/seed; touch /run/postgresql/lock && echo written';
    expect(await output('run', 'run.test/r:1', { command: ['sh', '-c', look] })).toBe(
      '.\n..\npostgresql\nseedwritten\n',
    );
  });

  it.each([['SIGQUIT', 3], ['3', 3], ['SIGRTMIN+3', 37], ['NONSENSE', 15]])('are stopped by their STOPSIGNAL %s', async (signal, number) => { // prettier-ignore
    const archive = new ImageArchive();
    const name = `stop.test/s:${signal.replace('+', '-').toLowerCase()}`;
    const body = 'for s in 1 2 3 15 37; do trap "echo got $s; exit 0" $s; done; echo up; while :; do sleep 0.1; done';
    archive.add(name, [base()], { ...SHELL, StopSignal: signal, Cmd: ['sh', '-c', body] });
    load(archive);
    const id = `stop-${signal.replace('+', '-').toLowerCase()}`;
    expect(await agent.create(id, { image: name, command: undefined })).toMatchObject({ status: 200 });
    await eventually(() => log(id).includes('up'));
    const followed = agent.fetch(`logs?sandboxId=${id}&follow=true`).then((response) => response.text());
    await agent.post('delete', { sandboxId: id });
    expect(await followed).toContain(`got ${number}\n`);
  }); // prettier-ignore

  it('have one truncated host name in all places', async () => {
    const claimName = `${'a'.repeat(62)}-bbbb`;
    const look = 'hostname; echo $HOSTNAME; cat /etc/hostname; tail -1 /etc/hosts | cut -f2';
    const more = { claimName, command: ['/bin/sh', '-c', look] };
    expect(await output('named', 'busybox', more)).toBe(`${'a'.repeat(62)}\n`.repeat(4));
  });

  it('may have as many files open as the node allows', async () => {
    const hard = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
    const command = ['/bin/sh', '-c', 'ulimit -Sn; ulimit -Hn; ulimit -Sn $(ulimit -Hn) && ulimit -Sn'];
    const [soft, most, raised] = (await output('files', 'busybox', { command })).split('\n').map(Number);
    expect(soft).toBe(1024);
    expect(most).toBeGreaterThanOrEqual(Math.min(1_048_576, hard));
    expect(raised).toBe(most);
  });

  it('are resolved by the digest where the name has a tag too', async () => {
    const archive = new ImageArchive();
    const { digest, mediaType } = archive.manifest([base(), [file('mark', 'pinned')]], SHELL);
    const server = await serve(archive, { digest, mediaType });
    try {
      const { port } = server.address() as AddressInfo;
      const pinned = `127.0.0.1:${port}/team/app:v1@${digest}`;
      for (const id of ['pinned-1', 'pinned-2']) expect(await output(id, pinned)).toBe('pinned');
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

/** A registry of one image. */
async function serve(
  archive: ImageArchive,
  { digest, mediaType }: Pick<Descriptor, 'digest' | 'mediaType'>,
): Promise<Server> {
  const server = createServer(({ url = '', method }, response) => {
    const wanted = url.includes('/manifests/') ? digest : (url.split('/blobs/')[1] ?? '');
    const content = archive.blob(wanted);
    response.writeHead(url === '/v2/' || content ? 200 : 404, {
      ...{ 'content-type': wanted === digest ? mediaType : 'application/octet-stream' },
      ...{ 'docker-content-digest': wanted, 'content-length': content?.length ?? 0 },
    });
    response.end(method === 'HEAD' ? undefined : content);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

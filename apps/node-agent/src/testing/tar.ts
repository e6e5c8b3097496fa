export interface TarEntry {
  readonly kind: 'file' | 'dir' | 'link';
  readonly path: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly content?: Buffer;
  /** of a link */
  readonly target?: string;
  readonly xattrs?: Readonly<Record<string, Buffer>>;
}

const BLOCK = 512;
const TYPES = { file: '0', link: '2', dir: '5' } as const;
/** Unix seconds: any fixed time, so that the same entries give the same bytes. */
const MODIFIED = 1_700_000_000;

/** A tar archive (POSIX 1003.1-2001) of the entries, in their order. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(encode), Buffer.alloc(2 * BLOCK)]);
}

function encode(entry: TarEntry): Buffer[] {
  const { kind, path, mode = 0o777, uid = 0, gid = 0, content = Buffer.alloc(0), target = '' } = entry;
  const more = { ...attributes(entry.xattrs), ...(path.length > 99 ? { path } : {}) };
  const extended = Object.entries(more).map(([key, value]) => paxRecord(key, Buffer.from(value)));
  const header = (name: string, type: string, size: number): Buffer =>
    headerBlock({ name, type, size, mode, uid, gid, target: type === TYPES.link ? target : '' });
  const pax = Buffer.concat(extended);
  return [
    ...(pax.length > 0 ? [header('pax', 'x', pax.length), padded(pax)] : []),
    header(path.slice(0, 99), TYPES[kind], content.length),
    padded(content),
  ];
}

function attributes(xattrs: TarEntry['xattrs'] = {}): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [`SCHILY.xattr.${name}`, value]));
}

/** "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

interface Header {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly target: string;
}

function headerBlock({ name, type, size, mode, uid, gid, target }: Header): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at);
  };
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(MODIFIED, 136, 12);
  block.write(' '.repeat(8), 148); // the sum is taken with its own field blank
  block.write(type, 156);
  block.write(target, 157);
  block.write('ustar\x0000', 257);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}

function padded(content: Buffer): Buffer {
  const missing = (BLOCK - (content.length % BLOCK)) % BLOCK;
  return Buffer.concat([content, Buffer.alloc(missing)]);
}

// fsb-ctl as one file that needs nothing but Node, so that it starts fast and can be copied anywhere.
import { chmodSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const target = join(root, 'bin/fsb-ctl');
const made = `${target}.${process.pid}`;

mkdirSync(dirname(target), { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ['apps/fsb-ctl/src/main.ts'],
  outfile: made,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // modules behind a dynamic import stay in the file, and run only when they are imported
  format: 'cjs',
  // only grpc-js's channelz service asks for it
  external: ['@grpc/proto-loader'],
  banner: { js: '#!/usr/bin/env node' },
  define: { FSB_VERSION: JSON.stringify(version) },
  // names stay: they are in the stack traces that people send
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});
chmodSync(made, 0o755);
renameSync(made, target); // at once: someone may be running it

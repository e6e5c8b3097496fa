// audit.mjs: known vulnerabilities of the production dependencies, from the npm registry. Prints SKIPPED when the
// registry has no audit endpoint.
import { spawnSync } from 'node:child_process';

const audit = ['audit', '--omit=dev'];
const { stdout } = spawnSync('npm', [...audit, '--json'], { encoding: 'utf8' });
const answer = parsed(stdout);
if (answer.auditReportVersion === undefined) {
  console.error(`\nSKIPPED: npm audit: the registry gives no answer: ${answer.message ?? stdout}\n`);
} else {
  process.exitCode = spawnSync('npm', audit, { stdio: 'inherit' }).status ?? 1;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

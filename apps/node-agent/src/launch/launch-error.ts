import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { ApiError } from '@fsb/api/errors';
import { type SandboxProcess } from '../sandboxes/sandbox-process';
import { type LaunchFailure } from './launch-answer';

const { ENOENT, ENOTDIR, EACCES, EPERM, ENOEXEC, E2BIG, ENOMEM, ERANGE, EFBIG, EXDEV, ELOOP, EISDIR } = constants.errno;
/** Steps of the launcher that bind the sandbox's own files over the image's. */
const OWN_FILES: ReadonlySet<string> = new Set(['/etc/resolv.conf', '/etc/hosts', '/etc/hostname']);

type Ordered = Pick<SandboxProcess, 'args' | 'env' | 'workingDir' | 'user' | 'fromImage'>;

/** A launcher's failure as an error of the request or of the image, with the field to change. Pure. */
export function launchError({ step, errno }: LaunchFailure, process: Ordered): ApiError {
  if (step === 'program') return noProgram(errno, process);
  if (step === 'exec') return notRunnable(errno, process);
  if (step === 'folder') return noFolder(errno, process);
  if (OWN_FILES.has(step))
    return imageFault(`its ${step} cannot be replaced by the sandbox's own: ${linkFault(errno)}`);
  switch (step) {
    case 'user':
    case 'group':
      return imageFault(`its USER "${process.user}" cannot be used: ${identityFault(step, errno)}`);
    case '/etc/passwd':
    case '/etc/group':
      return imageFault(
        `its ${step} is too large (${errno === EFBIG ? '1 MiB' : 'more than 1023 groups of a user'} at most)`,
      );
    case 'volume':
      return imageFault(`a folder of its VOLUME cannot be made (${nameOf(errno)})`);
    default:
      return new ApiError(
        'unavailable',
        `the sandbox did not start (${step || 'no answer'} ${nameOf(errno)}); try again`,
      );
  }
}

function noProgram(errno: number, { args, env, user }: Ordered): ApiError {
  const [program = ''] = args;
  const path = env.find((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  const where = program.includes('/') ? '' : ` (searched ${path})`;
  const isForbidden = errno === EACCES || errno === EPERM;
  const why = isForbidden ? `not an executable file for user "${user === '' ? '0' : user}"` : 'not in the image';
  return new ApiError('not_found', `command: "${program}" is ${why}${where}`);
}

function notRunnable(errno: number, { args }: Ordered): ApiError {
  const named = `command: "${args[0] ?? ''}"`;
  if (errno === E2BIG)
    return new ApiError('invalid_argument', 'command, args, envs: together are too long for the kernel');
  if (errno === ENOMEM) return new ApiError('invalid_argument', `resources.memory: too little to start ${named}`);
  const reasons: Readonly<Record<number, string>> = {
    [ENOENT]:
      'the interpreter that its first line or its ELF header names is not in the image (a line that ends with CR LF names none)',
    [EACCES]: 'its interpreter is not an executable file',
    [EPERM]: 'it has file capabilities that no sandbox has; remove them with setcap -r',
    [ENOEXEC]: "it is neither a program of this machine's architecture nor a script that begins with #!",
  };
  return new ApiError('failed_precondition', `${named} cannot be run: ${reasons[errno] ?? nameOf(errno)}`);
}

function noFolder(errno: number, { workingDir, fromImage }: Ordered): ApiError {
  const why = errno === ENOTDIR ? 'is not a folder' : `cannot be entered (${nameOf(errno)})`;
  if (fromImage.workingDir) return imageFault(`its WORKDIR ${workingDir} ${why}`);
  return new ApiError(
    'invalid_argument',
    `workingDir: ${workingDir} ${why}; it must be a folder, or absent, of the image`,
  );
}

function identityFault(step: string, errno: number): string {
  if (errno === ERANGE) return `the ${step} must be from 0 to 2147483647`;
  return `the ${step} is neither a number nor in the image's ${step === 'user' ? '/etc/passwd' : '/etc/group'}`;
}

function linkFault(errno: number): string {
  if (errno === EXDEV) return "it leads out of the image's own files";
  if (errno === ELOOP) return 'it is a link to itself';
  if (errno === EISDIR) return 'it is a folder';
  return nameOf(errno);
}

function imageFault(what: string): ApiError {
  return new ApiError('failed_precondition', `image: ${what}`);
}

function nameOf(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : 'unknown';
}

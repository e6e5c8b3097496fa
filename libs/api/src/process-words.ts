import { ApiError } from './errors';

/** Names of variables, as Kubernetes allows them since 1.30 (relaxed environment variable names). */
export const VARIABLE_NAME = /^[ -<>-~]+$/;
export const VARIABLE_NAME_RULE = 'printable ASCII without "="';

/** Bytes of one argument or NAME=value with its NUL: Linux' MAX_ARG_STRLEN, a limit of execve. */
const MAX_WORD_BYTES = 128 * 1024;
/** Bytes of all words after expansion: execve takes a quarter of the stack limit, which is usually 8 MiB. */
const MAX_PROCESS_BYTES = 2 * 1024 * 1024 - 64 * 1024;

/** The words of a sandbox's process as the caller wrote them. */
export interface ProcessWords {
  readonly command?: readonly string[] | undefined;
  readonly args?: readonly string[] | undefined;
  readonly envs: Readonly<Record<string, string>>;
}

export interface ExpandedProcess {
  readonly command: string[] | undefined;
  readonly args: string[] | undefined;
  readonly envs: Record<string, string>;
}

/**
 * Replaces `$(NAME)` as the kubelet does: in a variable's value by the variables before it, in command and args by all
 * variables. `$$` becomes `$`. A reference to an unknown variable stays as it is.
 * @param literal names of variables whose values are not expanded (those from a Secret or ConfigMap)
 * @throws ApiError invalid_argument naming the field, when a word or all words together become too long for execve
 * @example expandProcess({ args: ['$(A)'], envs: { A: 'a' } }) // args: ['a']
 */
export function expandProcess(
  { command, args, envs }: ProcessWords,
  literal: ReadonlySet<string> = new Set(),
): ExpandedProcess {
  const known = new Map<string, string>();
  const sum = new ByteSum();
  for (const [name, value] of Object.entries(envs)) {
    const expanded = literal.has(name) ? value : expand('envs', value, known);
    sum.add('envs', `${name}=${expanded}`);
    known.set(name, expanded);
  }
  const all = (field: string, words: readonly string[] | undefined) =>
    words?.map((word) => sum.add(field, expand(field, word, known)));
  return { command: all('command', command), args: all('args', args), envs: Object.fromEntries(known) };
}

/** @throws ApiError invalid_argument naming the field, when a word or all words together are too long for execve */
export function checkProcessWords({ command = [], args = [], envs }: ProcessWords): void {
  const variables = Object.entries(envs).map(([name, value]) => `${name}=${value}`);
  const sum = new ByteSum();
  for (const [field, words] of Object.entries({ command, args, envs: variables }))
    for (const word of words) sum.add(field, word);
}

/** Sum of the bytes of a process's words. A word that exceeds a limit of execve is refused when it is added. */
class ByteSum {
  private total = 0;

  /** @returns the word. @throws ApiError invalid_argument */
  add(field: string, word: string): string {
    const bytes = Buffer.byteLength(word) + 1;
    if (bytes > MAX_WORD_BYTES) throw tooLong(field);
    this.total += bytes;
    if (this.total <= MAX_PROCESS_BYTES) return word;
    throw new ApiError('invalid_argument', `command, args, envs: together must be at most ${MAX_PROCESS_BYTES} bytes`);
  }
}

function tooLong(field: string): ApiError {
  const what = field === 'envs' ? 'each variable, NAME=value,' : 'each word';
  return new ApiError('invalid_argument', `${field}: ${what} must be below 128 KiB (bytes, not letters)`);
}

/** Stops as soon as the result is too long: references multiply a caller's input. */
function expand(field: string, text: string, known: ReadonlyMap<string, string>): string {
  if (!text.includes('$')) return text;
  let expanded = '';
  let copied = 0;
  for (const { 0: reference, 1: name, index } of text.matchAll(/\$(?:\$|\(([^)]*)\))/g)) {
    expanded += text.slice(copied, index) + (name === undefined ? '$' : (known.get(name) ?? reference));
    copied = index + reference.length;
    if (expanded.length > MAX_WORD_BYTES) throw tooLong(field);
  }
  return expanded + text.slice(copied);
}

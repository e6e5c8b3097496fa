import { fieldAt, type StoredObject } from '../kube-object';
import { StatusError } from '../status-error';

export type Selector = (object: StoredObject) => boolean;

/** Parses a label selector such as `a=b,c!=d,e in (f,g),h notin (i),j,!k`. @throws StatusError 400 */
export function labelSelector(text: string): Selector {
  const requirements = splitOutsideParentheses(text).map(requirement);
  return ({ metadata }) => requirements.every((matches) => matches(metadata.labels ?? {}));
}

type LabelMatch = (labels: Readonly<Record<string, string>>) => boolean;
const SET = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/;
const EXISTS = /^(!?)\s*([^=!\s()]+)$/;

function requirement(text: string): LabelMatch {
  const set = SET.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    return (labels) => values.has(labels[key] ?? '\0') === (operator === 'in');
  }
  const equality = EQUALITY.exec(text);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const exists = EXISTS.exec(text);
  if (!exists) throw StatusError.badRequest(`unable to parse requirement: "${text}" in labelSelector`);
  const [, not, key = ''] = exists;
  return (labels) => Object.hasOwn(labels, key) === (not === '');
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Parses a field selector such as `metadata.name=a,status.phase!=b`. @throws StatusError 400, also for other fields */
export function fieldSelector(text: string, allowed: readonly string[]): Selector {
  const terms = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => fieldTerm(part, allowed));
  return (object) => terms.every((matches) => matches(object));
}

function fieldTerm(text: string, allowed: readonly string[]): Selector {
  const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(text);
  if (!match) throw StatusError.badRequest(`invalid field selector: "${text}"`);
  const [, field = '', operator, value] = match;
  if (!allowed.includes(field)) {
    throw StatusError.badRequest(`field label not supported: "${field}"; supported are ${allowed.join(', ')}`);
  }
  const path = field.split('.');
  return (object) => {
    const found = fieldAt(object, path);
    return (
      ((typeof found === 'string' || typeof found === 'boolean' ? String(found) : '') === value) === (operator !== '!=')
    );
  };
}

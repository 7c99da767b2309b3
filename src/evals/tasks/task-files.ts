/**
 * Tasks as a user names them: built in, in the folder `tasks/` of the package, one of several configurations of a built-in one
 * (`mmlu_anatomy`), or the path of a task file in either form.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { closest, UsageError } from '../../errors.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import { readYaml } from '../../strict-yaml.js';
import { type LmEvalTask, lmEvalTask, taskOfLmEval } from './lm-eval-file.js';
import { functionTag, ownTask, type TaskOrigin, taskOfOwnFile } from './own-file.js';
import type { Task } from './task.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'tasks');
const MOST_INCLUDES = 16;

/** Names of the built-in tasks, in order. */
export function builtInTasks(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -5))
    .sort();
}

/**
 * @param spec a name or a path   @param note receives what of a file is left out
 * @throws UsageError `unknown-task`, and for a file that declares no task; FileError
 */
export function readTask(spec: string, note: (text: string) => void = () => {}): Task {
  if (/\.ya?ml$/i.test(spec) || existsSync(spec)) return readTaskFile(spec, spec, note);
  const names = builtInTasks();
  if (names.includes(spec)) return readTaskFile(join(FOLDER, `${spec}.yaml`), null, note);
  const whole = names.find((name) => spec.startsWith(`${name}_`));
  const task = whole === undefined ? null : readTaskFile(join(FOLDER, `${whole}.yaml`), null, note);
  const config = whole === undefined ? '' : spec.slice(whole.length + 1);
  if (task?.data.configs.includes(config)) {
    return { ...task, name: spec, data: { ...task.data, configs: [config] } };
  }
  const candidates = [
    ...names,
    ...((task ?? null) ? (task?.data.configs ?? []).map((one) => `${task?.name}_${one}`) : []),
  ];
  const near = closest(spec, candidates);
  throw new UsageError({
    code: 'unknown-task',
    message: `There is no task ${JSON.stringify(spec)}.`,
    hint: `${near === null ? '' : `Did you mean ${near}? `}Built in: ${names.join(', ')}; or give the path of a task file (.yaml).`,
  });
}

function readTaskFile(path: string, given: string | null, note: (text: string) => void): Task {
  const label = given ?? path.slice(FOLDER.length + 1);
  const { value: keys } = readYaml(path, z.looseObject({}), 'a task file', [functionTag]);
  const isOwn = 'kind' in keys;
  if (isOwn) {
    const { value } = readYaml(path, ownTask, 'a task file of duo-eval (docs/tasks.md)', [functionTag]);
    return taskOfOwnFile(value, { path: given, label, sha256: sha256OfBytes(bytesOf(path)) });
  }
  const read: string[] = [];
  const whole = withIncludes(path, read);
  const origin: TaskOrigin = { path: given, label, sha256: sha256OfBytes(read.map(bytesOf).join('\n')) };
  return taskOfLmEval(checked(whole, label), origin, note);
}

const bytesOf = (path: string): string => readSmallFile(path, MOST_BYTES.yaml).toString('utf8');

/** The keys of a file over those of the files that it includes, as lm-evaluation-harness joins them. */
function withIncludes(path: string, read: string[]): Record<string, unknown> {
  if (read.length >= MOST_INCLUDES || read.includes(resolve(path))) {
    throw new UsageError({
      code: 'task-file-includes',
      message: `${path} is included ${read.includes(resolve(path)) ? 'by itself' : `after ${MOST_INCLUDES} others`}.`,
      hint: 'A task file includes a few others, in no circle.',
    });
  }
  read.push(resolve(path));
  const { value } = readYaml(path, z.looseObject({ include: z.unknown().optional() }), 'a task file', [
    functionTag,
  ]);
  const { include, ...own } = value;
  const included =
    typeof include === 'string' ? [include] : Array.isArray(include) ? include.map(String) : [];
  const base = included.map((file) => withIncludes(join(dirname(path), file), read));
  return Object.assign({}, ...base, own);
}

function checked(keys: Record<string, unknown>, label: string): LmEvalTask {
  const parsed = lmEvalTask.safeParse(keys);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : null;
  const near = unknown === null ? null : closest(unknown, Object.keys(lmEvalTask.shape));
  const isGroup = Array.isArray(keys.task) || (keys.group !== undefined && keys.doc_to_text === undefined);
  throw new UsageError({
    code: 'task-file-unreadable',
    message: isGroup
      ? `${label} is a group of tasks.`
      : unknown !== null
        ? `${label} has the key ${JSON.stringify(unknown)}, which is not done here.`
        : `${label}: ${issue.path.join('.') || 'the file'}: ${issue.message.replace(/\.$/, '')}.`,
    hint: isGroup
      ? 'Name the tasks of the group: --task a.yaml,b.yaml'
      : `${near === null ? '' : `Did you mean ${near}? `}docs/tasks.md lists what of lm-evaluation-harness's task files is read.`,
  });
}

/**
 * The documents of a task: rows of a split, from files or from the hub. A user's own path goes before what the task file names: a file
 * of the evaluated split, or a folder with a file per split or per configuration.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { endingOf, TABLE_ENDINGS, tableRows } from '../../datasets/file-texts.js';
import { DataError } from '../../errors.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { listDocuments } from './lists.js';
import type { Task } from './task.js';
import type { Document } from './template.js';

/** A row of a split, and what names it in errors. */
export interface PlacedDocument {
  document: Document;
  /** `test, line 3` */
  where: string;
  /** Configuration of the data set, where the task has several; else null. */
  config: string | null;
}

/** Gets files of the hub: their paths here. */
export type FetchSplit = (repo: string, config: string | null, split: string) => Promise<string[]>;

export interface DocumentsOptions {
  /** A file of the evaluated split, or a folder; null: what the task names. */
  data: string | null;
  fetch: FetchSplit;
}

/** Documents of one split, and a digest of them. */
export interface Documents {
  documents: PlacedDocument[];
  sha256: string;
}

const MOST_DOCUMENTS = 1_000_000;

/** @throws DataError where there is no such data, or a row is unsound */
export async function documentsOf(task: Task, split: string, options: DocumentsOptions): Promise<Documents> {
  const documents: PlacedDocument[] = [];
  const { lists } = task.data;
  if (lists !== null && options.data === null)
    for (const [i, document] of listDocuments(lists).entries())
      documents.push({ document, where: `${task.name}, list ${i + 1}`, config: null });
  else await readDocuments(task, split, options, documents);
  if (documents.length === 0) throw noData(task, split, 'it has no documents there');
  const lines = documents.map(({ document }) => JSON.stringify(document));
  return { documents, sha256: sha256OfBytes(lines.join('\n')) };
}

async function readDocuments(
  task: Task,
  split: string,
  options: DocumentsOptions,
  documents: PlacedDocument[],
): Promise<void> {
  for (const config of task.data.configs) {
    for (const path of await filesOf(task, config, split, options)) {
      for await (const rows of tableRows(path)) {
        for (const { record, where } of rows) {
          const row = config === null ? record : { ...record, config };
          const document = task.documents === null ? row : task.documents(row);
          documents.push({ document, where: `${task.name}, ${split}, ${where}`, config });
        }
        if (documents.length > MOST_DOCUMENTS) throw tooMany(task, split);
      }
    }
  }
}

async function filesOf(
  task: Task,
  config: string | null,
  split: string,
  { data, fetch }: DocumentsOptions,
): Promise<string[]> {
  if (data !== null) {
    const isFolder = statSync(data, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (isFolder) return filesInFolder(task, data, config, split);
    if (split === task.split && task.data.configs.length === 1) return [data];
    throw noData(
      task,
      split,
      `${data} is one file`,
      'Give a folder with a file per split and configuration.',
    );
  }
  const named = task.data.files?.[split];
  if (named) {
    // Paths in a task file are relative to it.
    const folder = task.path === null ? '.' : dirname(task.path);
    return named.map((path) => join(folder, path));
  }
  if (task.data.repo === null) throw noData(task, split, 'its file names none');
  return fetch(task.data.repo, config, split);
}

/** `split.*`, `config.*`, `config-split.*` or `config_split.*`, or `split.*` in a folder of the configuration. */
function filesInFolder(task: Task, folder: string, config: string | null, split: string): string[] {
  const names =
    config === null ? [split] : [`${config}/${split}`, `${config}-${split}`, `${config}_${split}`];
  // A file for each configuration is of the evaluated split.
  if (config !== null && split === task.split) names.push(config);
  if (config !== null && task.data.configs.length === 1) names.push(split);
  for (const name of names) {
    const place = join(folder, dirname(name));
    const stem = name.slice(dirname(name) === '.' ? 0 : dirname(name).length + 1);
    if (!existsSync(place)) continue;
    const found = readdirSync(place)
      .filter((file) => TABLE_ENDINGS.includes(endingOf(file)))
      .filter((file) => file.replace(/\.gz$/i, '').slice(0, -endingOf(file).length) === stem);
    if (found.length > 0) return found.sort().map((file) => join(place, file));
  }
  throw noData(
    task,
    split,
    `${folder} has no file called ${names.map((name) => `${name}.*`).join(' or ')}`,
    `Endings of tables: ${TABLE_ENDINGS.join(', ')}.`,
  );
}

function noData(task: Task, split: string, why: string, hint?: string): DataError {
  return new DataError({
    code: 'no-task-data',
    message: `There are no data of the split ${JSON.stringify(split)} of ${task.name}: ${why}.`,
    hint: hint ?? `Give a file or a folder: --data ${task.name}=path`,
  });
}

function tooMany(task: Task, split: string): DataError {
  return new DataError({
    code: 'data-too-large',
    message: `The split ${split} of ${task.name} has more than ${MOST_DOCUMENTS.toLocaleString('en')} documents.`,
    hint: 'Give a file with fewer.',
  });
}

/**
 * A column of float64 numbers of any length, in bounded memory: a few pages are in memory, the others in a file. The file is
 * in the cache folder (the system's temporary folder may itself be memory), is created only if the pages in memory do not
 * suffice, and is unlinked once it is open, so that nothing remains however the process ends.
 *
 * Meant for roughly sequential access: each far jump costs a page.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { CACHE_ADVICE } from './cache-entry.js';
import { fileFailure } from './file-failure.js';
import { cacheFolder } from './folders.js';
import { makeFolder } from './make-folder.js';
import { forgetTemporary, temporaryPath } from './temporary-files.js';

/** Numbers per page. */
const PAGE = 4096;
const PAGES_KEPT = 8;

interface Page {
  index: number;
  values: Float64Array;
  /** Whether it has changes that the file lacks. */
  changed: boolean;
}

export class NumberColumn {
  /** In order of use, the latest last. */
  private kept: Page[] = [];
  private descriptor: number | null = null;

  /** @param length initial number of zeros; the column grows as numbers are set */
  constructor(public length = 0) {}

  at(index: number): number {
    return this.page(index).values[index % PAGE];
  }

  /** @throws FileError when an evicted page cannot be written */
  set(index: number, value: number): void {
    const page = this.page(index);
    page.values[index % PAGE] = value;
    page.changed = true;
    if (index >= this.length) this.length = index + 1;
  }

  add(index: number, value: number): void {
    this.set(index, this.at(index) + value);
  }

  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  /** Frees its memory and its file. Safe to call twice. */
  close(): void {
    this.kept = [];
    this.length = 0;
    if (this.descriptor !== null) closeSync(this.descriptor);
    this.descriptor = null;
  }

  private page(number: number): Page {
    const index = Math.floor(number / PAGE);
    const newest = this.kept.at(-1);
    if (newest?.index === index) return newest;
    const place = this.kept.findIndex((page) => page.index === index);
    const page = place >= 0 ? this.kept.splice(place, 1)[0] : this.turnTo(index);
    this.kept.push(page);
    return page;
  }

  /** Loads a page into the memory of the least recently used one. */
  private turnTo(index: number): Page {
    if (this.kept.length < PAGES_KEPT && this.descriptor === null) {
      return { index, values: new Float64Array(PAGE), changed: false };
    }
    const page = this.kept.shift()!; // full, since the first condition did not hold, or some are on the disk
    const bytes = Buffer.from(page.values.buffer);
    this.withFile((descriptor) => {
      if (page.changed) writeWhole(descriptor, bytes, page.index * bytes.length);
      bytes.fill(0); // unwritten numbers are 0
      readSync(descriptor, bytes, 0, bytes.length, index * bytes.length);
    });
    return { index, values: page.values, changed: false };
  }

  private withFile(use: (descriptor: number) => void): void {
    const folder = cacheFolder();
    try {
      this.descriptor ??= openNameless(folder);
      use(this.descriptor);
    } catch (cause) {
      throw fileFailure(cause, 'keep intermediate figures in', folder, CACHE_ADVICE);
    }
  }
}

function openNameless(folder: string): number {
  makeFolder(folder);
  const path = temporaryPath(folder);
  const descriptor = openSync(path, 'wx+');
  try {
    unlinkSync(path);
    forgetTemporary(path);
  } catch {
    // This system cannot unlink open files, so the file is removed at the end.
  }
  return descriptor;
}

function writeWhole(descriptor: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}

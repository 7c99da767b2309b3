/**
 * One float64 for each of any number of things, in bounded memory: a few pages are kept, the others lie in a file. The
 * file is in the cache folder (the system's temporary one may itself be memory), is made only when the pages kept do not
 * suffice, and has no name once it is open, so that nothing is left of it however the process ends.
 *
 * Made for going through in order, back and forth a little: far jumps cost a page each.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { CACHE_ADVICE } from './cache-entry.js';
import { fileFailure } from './file-failure.js';
import { cacheFolder } from './folders.js';
import { makeFolder } from './make-folder.js';
import { forgetTemporary, temporaryPath } from './temporary-files.js';

/** Numbers a page. */
const PAGE = 4096;
const PAGES_KEPT = 8;

interface Page {
  index: number;
  values: Float64Array;
  /** It holds what the file does not. */
  changed: boolean;
}

export class NumberColumn {
  /** Used last, last. */
  private kept: Page[] = [];
  private descriptor: number | null = null;

  /** @param length numbers, all 0; more are taken as they are set */
  constructor(public length = 0) {}

  at(index: number): number {
    return this.page(index).values[index % PAGE];
  }

  /** @throws FileError when the page that has to make room cannot be written */
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

  /** Its memory and its file are given back; may be repeated. */
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

  /** A page that is not kept, in the memory of the one used longest ago. */
  private turnTo(index: number): Page {
    if (this.kept.length < PAGES_KEPT && this.descriptor === null) {
      return { index, values: new Float64Array(PAGE), changed: false };
    }
    const page = this.kept.shift()!; // full, since the first condition did not hold, or some are on the disk
    const bytes = Buffer.from(page.values.buffer);
    this.withFile((descriptor) => {
      if (page.changed) writeWhole(descriptor, bytes, page.index * bytes.length);
      bytes.fill(0); // what was never written is 0
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
    // A system that does not part with the names of open files: it is removed at the end.
  }
  return descriptor;
}

function writeWhole(descriptor: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}

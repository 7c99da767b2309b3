import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { annotations, appendSummary, summaryWithin } from '../../src/comparison/gate/github.js';
import { gateJunit } from '../../src/comparison/gate/junit.js';
import { temporaryFolder } from '../support/folder.js';
import { record } from './hostile-gates.js';

const folder = temporaryFolder().root;

describe('annotations', () => {
  it('are ten at most, and the last counts those that are left out', () => {
    expect(record(3).failed).toBe(3);
    expect(record(3).undecided).toBe(3);
    expect(annotations(record(3), 'gates.yaml')).toHaveLength(6);
    const many = annotations(record(20), 'gates.yaml');
    expect(many).toHaveLength(10);
    expect(many[9]).toContain('31 further limits do not hold');
    expect(many.slice(0, 9).every((line) => line.startsWith('::error '))).toBe(true);
  });

  it('cannot be ended, or followed by another command, by a name', () => {
    for (const line of annotations(record(3), 'a,b:gates.yaml')) {
      expect(line).toMatch(/^::(error|warning) file=a%2Cb%3Agates\.yaml,line=[23],title=[^,:\n]+::[^\n]*$/);
      expect(line).not.toContain('\u0007');
    }
    expect(annotations(record(1), 'g')[0]).toContain('title=first%2C of 2%3A 100%25::');
  });
});

describe('the step summary', () => {
  it('stays under 1 MiB with what is there already, and shows first what does not hold', () => {
    const path = join(folder, 'summary.md');
    writeFileSync(path, 'x'.repeat(900_000));
    appendSummary(path, record(4000));
    const size = statSync(path).size;
    expect(size).toBeGreaterThan(920_000);
    expect(size).toBeLessThan(2 ** 20);
    expect(readFileSync(path, 'utf8')).toContain('further limits are not shown');
    expect(readFileSync(path, 'utf8').slice(900_000).split('\n')[4]).toMatch(/^\| fail \|/);
    writeFileSync(path, 'x'.repeat(2 ** 20 - 10));
    appendSummary(path, record(2));
    expect(statSync(path).size).toBe(2 ** 20 - 10);
  });

  it('has whole rows of a table, whatever names hold', () => {
    const text = summaryWithin(record(2), 100_000);
    const table = text.split('\n').filter((line) => line.startsWith('|'));
    expect(table).toHaveLength(6);
    for (const line of table) expect(line.replace(/\\./g, '').split('|')).toHaveLength(8);
  });
});

describe('the JUnit file', () => {
  const text = gateJunit(record(3));
  it('counts its cases, failures and errors', () => {
    expect(text).toMatch(/<testsuite [^>]*tests="6" failures="3" errors="3"/);
    expect(text.match(/<testcase /g)).toHaveLength(6);
    expect(text.match(/<failure /g)).toHaveLength(3);
    expect(text.match(/<error /g)).toHaveLength(3);
  });
});

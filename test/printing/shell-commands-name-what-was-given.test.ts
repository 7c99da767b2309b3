import { expect, it } from 'vitest';
import { shellCommand } from '../../src/printing/shell-command.js';

it('a command names flags that have a value, and only names those that are true', () => {
  const given = [
    ['data', "it's.jsonl"],
    ['skip-null', true],
    ['fresh', false],
    ['text-column', null],
    ['seed', 0],
  ] as const;
  expect(shellCommand('train', given)).toBe("duo-eval train --data 'it'\\''s.jsonl' --skip-null --seed 0");
});

/** Runs in every test file: vitest.config.ts names it. */
import { afterAll } from 'vitest';
import { cleanUpFile } from './after-use.js';

afterAll(cleanUpFile);

/** Settings that all cells of a suite share: how models run, and the observer of the run. */
import type { Checkpoint } from '../../models/checkpoint.js';
import type { Provider } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import type { SuiteModel } from './named-files.js';

export interface SuiteSettings {
  provider: Provider;
  threads?: number;
  timeoutMs?: number;
  /** Ignores the kept results of earlier runs. */
  fresh: boolean;
  open(model: SuiteModel): Promise<Checkpoint>;
}

export interface SuiteObserver extends Observer {
  /** A cell is done. @param kept by an earlier run */
  finished(cell: { index: number }, kept: boolean): void;
}

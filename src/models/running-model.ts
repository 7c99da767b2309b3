/** A checkpoint that runs in a session with some head: what all of them tell, however they are called. */
import type { Provider } from './provider.js';
import type { ModelSession } from './session.js';

export abstract class RunningModel {
  protected constructor(protected readonly session: ModelSession) {}

  get provider(): Provider {
    return this.session.provider;
  }

  get threads(): number {
    return this.session.threads;
  }

  /** Seconds inside the runtime so far. */
  get runSeconds(): number {
    return this.session.runSeconds;
  }

  /** Waits for the calls in flight. */
  close(): Promise<void> {
    return this.session.close();
  }
}

export interface LaneSettings {
  /** Does the next piece of work; false where there is none. */
  readonly step: () => Promise<boolean>;
  /** A step has thrown: a defect of this process, which goes on. */
  readonly onDefect: (error: unknown) => void;
  /** Nothing is left to do for now. */
  readonly onIdle: () => void;
}

/** Work that is done one piece after another, as long as there is some. */
export interface Lane {
  /** Is a piece under way. */
  readonly busy: boolean;
  /** There may be something to do. Cheap, and does nothing while a piece is under way. */
  run(): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export function createLane({ step, onDefect, onIdle }: LaneSettings): Lane {
  let running: Promise<void> | undefined;

  async function work(): Promise<void> {
    do {
      // What one message leads to is done in one piece.
      await undefined;
    } while (await step());
  }

  return {
    get busy() {
      return running !== undefined;
    },
    run() {
      running ??= work()
        .catch(onDefect)
        .finally(() => {
          running = undefined;
          onIdle();
        });
    },
    idle: async () => running,
  };
}

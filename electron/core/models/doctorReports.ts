import { StopbathError, toFailure, type Failure } from '../../../shared/errors.ts';
import type { ProviderChoice } from '../../../shared/generation.ts';
import type { DoctorReport } from '../../../shared/models.ts';
import type { EngineHost } from '../engineTask.ts';

/** What the model is to blame for; anything else is a reason to ask again. */
const ofTheModel: ReadonlySet<Failure['code']> = new Set(['MODEL_NOT_FOUND', 'MODEL_PARTS', 'MODEL_BAD', 'MODEL_TOKENIZER', 'MODEL_NAN', 'OUT_OF_MEMORY', 'ENGINE_CRASH']);

type ExaminingEngine = Pick<EngineHost, 'examine' | 'status'>;

/** The doctor's last report on each model. */
export interface DoctorReports {
  last(id: string): DoctorReport | null;
  /** Asked twice at once, it is examined once. @param where made when its turn comes; it throws for a model that cannot be used. */
  examine(id: string, where: () => Promise<{ readonly folder: string; readonly provider: ProviderChoice }>): Promise<DoctorReport>;
  /** Resolves when no examination of it is going on. */
  settled(id: string): Promise<void>;
  forget(id: string): void;
  all(): Record<string, DoctorReport>;
}

/** @param onReport told of each before the question is answered; a report it refuses is not kept */
export function createDoctorReports(engine: ExaminingEngine, known: Readonly<Record<string, DoctorReport>>, onReport: (report: DoctorReport) => Promise<void>): DoctorReports {
  const reports = new Map(Object.entries(known));
  const going = new Map<string, Promise<DoctorReport>>();

  const examine: DoctorReports['examine'] = async (id, where) => {
    const report = await examineModel(engine, { id, ...(await where()) });
    reports.set(id, report);
    try {
      await onReport(report);
    } catch (error) {
      reports.delete(id);
      throw error;
    }
    return report;
  };

  return {
    last: (id) => reports.get(id) ?? null,
    examine: (id, where) => {
      const started = going.get(id) ?? examine(id, where).finally(() => going.delete(id));
      going.set(id, started);
      return started;
    },
    settled: async (id) => {
      await going.get(id)?.catch(() => undefined);
    },
    forget: (id) => reports.delete(id),
    all: () => Object.fromEntries(reports),
  };
}

/** A model that ends the engine, or does not fit into memory, gets a report that says so. @throws StopbathError when the engine could not be asked. */
async function examineModel(
  engine: ExaminingEngine,
  model: { readonly id: string; readonly folder: string; readonly provider: ProviderChoice },
): Promise<DoctorReport> {
  const { id, folder, provider } = model;
  try {
    return { modelId: id, at: Date.now(), ...(await engine.examine({ modelFolder: folder, provider })) };
  } catch (error) {
    const { code, message, nextStep = '' } = toFailure(error);
    if (!ofTheModel.has(code)) throw error instanceof StopbathError ? error : new StopbathError(toFailure(error));
    return {
      modelId: id,
      at: Date.now(),
      provider: engine.status().provider ?? (provider === 'auto' ? 'cpu' : provider),
      usable: false,
      findings: [{ severity: 'error', part: '', code, message, remedy: nextStep }],
    };
  }
}

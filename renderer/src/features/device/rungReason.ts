import type { TFunction } from 'i18next';
import type { EngineStatus } from '../../../../shared/contract.ts';
import en from '../../i18n/en.json';

type KnownCode = keyof typeof en.rung;

function isKnown(code: string): code is KnownCode {
  return Object.hasOwn(en.rung, code);
}

/** Why a device is not used, in the page's language; a reason without a translation comes as the engine words it. */
export function rungReason(rung: Pick<EngineStatus['rungs'][number], 'code' | 'reason'>, t: TFunction): string {
  return isKnown(rung.code) ? t(`rung.${rung.code}`) : rung.reason;
}

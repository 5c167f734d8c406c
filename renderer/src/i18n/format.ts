/** Numbers and times as the language of the page writes them. */
export interface Format {
  number(value: number, digits?: number, atLeast?: number): string;
  percent(share: number): string;
  /** A duration: `0.12 s`, `42 s`, `3 min 5 s`, `4 hr 35 min`. */
  duration(ms: number): string;
  dateTime(iso: string): string;
  /** An amount of data in powers of ten, as disks and downloads are sold: `4.3 GB`. */
  bytes(count: number): string;
}

export function createFormat(language: string): Format {
  const formatter = numberFormats(language);
  const unit = (value: number, name: 'second' | 'minute' | 'hour', digits: number): string =>
    formatter({
      style: 'unit',
      unit: name,
      unitDisplay: name === 'second' ? 'narrow' : 'short',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(value);
  const seconds = (value: number): string => withSpace(unit(value, 'second', value < 1 ? 2 : value < 10 ? 1 : 0));
  return {
    number: (value, digits = 2, atLeast = 0) =>
      formatter({ minimumFractionDigits: atLeast, maximumFractionDigits: digits, useGrouping: false }).format(value),
    percent: (share) => formatter({ style: 'percent', maximumFractionDigits: 0 }).format(share),
    duration: (ms) => {
      const total = ms / 1000;
      if (total < 60) return seconds(total);
      const rounded = Math.round(total);
      if (rounded >= 3600) return `${unit(Math.floor(rounded / 3600), 'hour', 0)} ${unit(Math.floor((rounded % 3600) / 60), 'minute', 0)}`;
      return `${unit(Math.floor(rounded / 60), 'minute', 0)} ${withSpace(unit(rounded % 60, 'second', 0))}`;
    },
    bytes: (count) => {
      const [unitName, size] = byteUnits.find(([, least]) => count >= least) ?? ['byte', 1];
      const value = count / size;
      return formatter({ style: 'unit', unit: unitName, unitDisplay: unitName === 'byte' ? 'long' : 'short', maximumFractionDigits: value < 10 && size > 1 ? 1 : 0 }).format(value);
    },
    dateTime: (iso) => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso)),
  };
}

const known = new Map<string, Intl.NumberFormat>();

/** To make one takes longer than all it is used for in a frame: each is made once for the whole page. */
function numberFormats(language: string): (options: Intl.NumberFormatOptions) => Intl.NumberFormat {
  return (options) => {
    const key = `${language} ${JSON.stringify(options)}`;
    const format = known.get(key) ?? new Intl.NumberFormat(language, options);
    known.set(key, format);
    return format;
  };
}

const byteUnits = [
  ['terabyte', 1e12],
  ['gigabyte', 1e9],
  ['megabyte', 1e6],
  ['kilobyte', 1e3],
] as const;

/** The narrow form has no space in English (`0.12s`); the unit reads better with one. */
function withSpace(text: string): string {
  return text.replace(/([0-9])s$/, '$1 s');
}

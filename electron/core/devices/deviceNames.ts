import { execFile } from 'node:child_process';
import os from 'node:os';
import type { ProviderId } from '../../../shared/generation.ts';
import { graphicsCards, nvidiaDriverVersion } from '../../system/driverKey.ts';

/** Runs a program of the system and gives what it prints; null when it is not there or fails. */
export type Ask = (program: string, args: readonly string[]) => Promise<string | null>;

export const askSystem: Ask = (program, args) =>
  new Promise((resolve) => {
    execFile(program, [...args], { timeout: 10_000, windowsHide: true, maxBuffer: 1_000_000 }, (error, stdout) => resolve(error === null ? stdout : null));
  });

const vendors: Readonly<Record<string, string>> = { '0x10de': 'NVIDIA', '0x1002': 'AMD', '0x8086': 'Intel', '0x106b': 'Apple', '0x1af4': 'virtio', '0x1414': 'Microsoft' };

/** The name of the processor or of the graphics card and its driver, as far as the system tells; null where it does not. */
export async function deviceName(provider: ProviderId, ask: Ask = askSystem, platform: NodeJS.Platform = process.platform): Promise<string | null> {
  if (provider === 'cpu') return os.cpus()[0]?.model.trim() ?? null;
  switch (platform) {
    case 'linux':
      return (await nvidiaName(ask)) ?? (provider === 'cuda' ? null : cardNames(graphicsCards()));
    case 'darwin':
      return macName(await ask('/usr/sbin/system_profiler', ['SPDisplaysDataType', '-json']));
    case 'win32':
      return windowsName(
        await ask('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', 'Get-CimInstance Win32_VideoController | ForEach-Object { $_.Name + "|" + $_.DriverVersion }']),
      );
    default:
      return null;
  }
}

async function nvidiaName(ask: Ask): Promise<string | null> {
  const text = await ask('nvidia-smi', ['--query-gpu=name,driver_version', '--format=csv,noheader']);
  const [name, driver] = (text?.split('\n')[0] ?? '').split(',').map((field) => field.trim());
  if (name === undefined || name === '' || driver === undefined) {
    const version = nvidiaDriverVersion();
    return version === null ? null : `NVIDIA, driver ${version}`;
  }
  return `${name}, driver ${driver}`;
}

/** `vendor:device` ids as a name; null without a card. */
export function cardNames(cards: readonly string[]): string | null {
  const names = cards.map((card) => {
    const [vendor = '', device = ''] = card.split(':');
    return `${vendors[vendor] ?? vendor} ${device}`;
  });
  return names.length === 0 ? null : [...new Set(names)].join(', ');
}

function macName(text: string | null): string | null {
  try {
    const parsed: unknown = JSON.parse(text ?? '');
    const names = JSON.stringify(parsed).matchAll(/"sppci_model":"([^"]+)"/g);
    const name = [...names].map((match) => match[1] ?? '').join(', ');
    return name === '' ? null : name;
  } catch {
    return null;
  }
}

function windowsName(text: string | null): string | null {
  const cards = (text ?? '').split(/\r?\n/).map((line) => line.trim()).filter((line) => line.includes('|'));
  const names = cards.map((line) => {
    const [name, driver] = line.split('|');
    return driver === undefined || driver === '' ? (name ?? '') : `${name ?? ''}, driver ${driver}`;
  });
  return names.length === 0 ? null : names.join('; ');
}

/**
 * The real programs of the corpus, as data. Each is a shell script that runs in an empty directory, gets the program to
 * do work for as long as nobody kills it, and prints "ready" once that work goes on; every process that descends from
 * it is looked at.
 */
import { existsSync } from 'node:fs';
import { findProgram } from '../requirements.js';

export interface RealProgram {
  readonly name: string;
  /** What must be there: programs that PATH finds, or paths. */
  readonly needs: readonly string[];
  /** Debian's packages that have them. */
  readonly packages: string;
  /** Written into the directory before the script runs. */
  readonly files?: Readonly<Record<string, string>>;
  readonly script: string;
  /** Is not run by root: the server refuses that. */
  readonly asNobody?: boolean;
  /** A command that crashes by a signal, in the same directory, after `prepare`. */
  readonly crash?: { readonly prepare?: string; readonly command: readonly string[] };
}

/** Where Debian puts the server programs of PostgreSQL 15 (bookworm). */
const POSTGRES = '/usr/lib/postgresql/15/bin';

const python = `
import json, re, threading, time, zlib, random
data = [{"id": i, "name": "item %d" % i, "tags": list("abcdef")} for i in range(200)]
def work():
    while True:
        text = json.dumps(data, sort_keys=True)
        json.loads(text)
        zlib.compress(text.encode())
        re.findall(r"item (\\d+)", text)
        sorted(data, key=lambda each: each["name"])
def recurse(n): return n if n == 0 else recurse(n - 1)
def deep():
    while True: recurse(60)
for target in (work, deep, lambda: time.sleep(1e6)): threading.Thread(target=target, daemon=True).start()
print("ready", flush=True)
while True: random.random() ** 2
`;

const perl = `
$| = 1;
print "ready\\n";
while (1) {
  my %count;
  $count{$_ % 97}++ for 1 .. 2000;
  my @sorted = sort { $count{$a} <=> $count{$b} || $a cmp $b } keys %count;
  my $text = join ",", map { sprintf "%05d", $_ } @sorted;
  $text =~ s/(\\d)(\\d)/$2$1/g;
  my @parts = split /,/, $text;
}
`;

const ruby = `
require "json"
$stdout.sync = true
Thread.new { loop { JSON.parse(JSON.generate((1..300).map { |i| { "id" => i, "text" => "x" * i } })) } }
Thread.new { loop { (1..500).sort_by { |i| -i }.each_slice(7).map(&:sum) } }
Thread.new { sleep }
puts "ready"
def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)
loop { fib(16); "a,b,c".gsub(/[a-z]/) { |m| m.upcase } }
`;

const php = `<?php
echo "ready\\n";
while (true) {
  $rows = array_map(fn($i) => ["id" => $i, "hash" => md5((string)$i)], range(1, 500));
  usort($rows, fn($a, $b) => strcmp($a["hash"], $b["hash"]));
  $text = json_encode($rows);
  json_decode($text, true);
  preg_match_all('/"hash":"([0-9a-f]+)"/', $text, $found);
}
`;

const java = `
import java.util.*;
import java.util.stream.*;
public class Work {
  static long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
  static void forever(Runnable work) { new Thread(() -> { while (true) work.run(); }).start(); }
  public static void main(String[] args) throws Exception {
    forever(() -> fib(24));
    forever(() -> IntStream.range(0, 2000).mapToObj(Integer::toString).sorted()
      .collect(Collectors.joining(",")).hashCode());
    new Thread(() -> { try { Thread.sleep(Long.MAX_VALUE); } catch (InterruptedException e) { } }, "sleeper").start();
    System.out.println("ready");
    Map<Integer, String> map = new HashMap<>();
    while (true) for (int i = 0; i < 1000; i++) map.merge(i % 100, "x", (a, b) -> a.length() > 50 ? b : a + b);
  }
}
`;

const go = `
package main
import ("crypto/sha256"; "fmt"; "os"; "sort"; "strings"; "time")
func fib(n int) int { if n < 2 { return n }; return fib(n-1) + fib(n-2) }
func work(c chan string) { for { sum := sha256.Sum256([]byte(strings.Repeat("text", 500))); c <- fmt.Sprintf("%x", sum) } }
func main() {
  c := make(chan string, 16)
  go work(c)
  go func() { for { fib(20) } }()
  go func() { for { time.Sleep(time.Millisecond) } }()
  fmt.Println("ready"); os.Stdout.Sync()
  var all []string
  for { all = append(all, <-c); if len(all) > 1000 { sort.Strings(all); all = nil } }
}
`;

const cgo = `
package main
/*
#include <stdlib.h>
#include <string.h>
static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
extern int fromC(int);
static int crunch(int n) {
  int *all = malloc(n * sizeof *all);
  for (int i = 0; i < n; i++) all[i] = (i * 7919) % n;
  qsort(all, n, sizeof *all, order);
  int r = fromC(all[n / 2]);
  free(all);
  return r;
}
*/
import "C"
import "fmt"
//export fromC
func fromC(n C.int) C.int { t := 0; for i := 0; i < 20000; i++ { t += i ^ int(n) }; return C.int(t & 1) }
func main() {
  go func() { for { C.crunch(2000) } }()
  fmt.Println("ready")
  for { C.crunch(5000) }
}
`;

const rust = `
use std::collections::BTreeMap;
use std::thread;
fn fib(n: u32) -> u64 { if n < 2 { n as u64 } else { fib(n - 1) + fib(n - 2) } }
fn main() {
    thread::spawn(|| loop { std::hint::black_box(fib(std::hint::black_box(20))); });
    thread::spawn(|| loop {
        let mut map = BTreeMap::new();
        for i in 0..1000u32 { map.insert(format!("{:x}", i.wrapping_mul(2654435761)), i); }
        std::hint::black_box(map);
    });
    println!("ready");
    loop {
        let mut all: Vec<String> = (0..2000).map(|i: u32| i.to_string()).collect();
        all.sort();
        std::hint::black_box(all.concat());
    }
}
`;

const c = `
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static int depth(volatile int n) { return n == 0 ? 0 : 1 + depth(n - 1); }
static void *work(void *argument) {
  static int all[2][3000];
  int *own = all[argument != 0];
  for (unsigned seed = 1;;) {
    for (int i = 0; i < 3000; i++) own[i] = (seed = seed * 1103515245 + 12345) >> 16;
    qsort(own, 3000, sizeof *own, order);
    char text[64];
    for (int i = 0; i < 500; i++) snprintf(text, sizeof text, "%d %s %g", own[i], "text", own[i] / 3.0);
    depth(200);
  }
}
static void *wait_for_ever(void *argument) { for (;;) pause(); return argument; }
int main(int count, char **arguments) {
  if (count > 1) *(volatile int *)(long)(depth(20) - 20) = arguments != 0;
  pthread_t thread;
  pthread_create(&thread, 0, work, 0);
  pthread_create(&thread, 0, wait_for_ever, 0);
  puts("ready");
  fflush(stdout);
  work("second");
}
`;

const node = `
const { Worker } = require('node:worker_threads');
const zlib = require('node:zlib');
new Worker('for (;;) JSON.parse(JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ i, text: "x".repeat(i % 50) }))))', { eval: true });
const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
function turn() {
  fib(18);
  'a1b2c3'.repeat(100).replace(/[a-z]\\d/g, (m) => m.toUpperCase());
  zlib.deflate(Buffer.alloc(200000, 'text'), () => {});
  setImmediate(turn);
}
setTimeout(() => { console.log('ready'); turn(); }, 200);
`;

const nginx = `
daemon off; master_process on; worker_processes 2; pid nginx.pid; error_log stderr notice;
events { worker_connections 64; }
http { access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
  uwsgi_temp_path t4; scgi_temp_path t5;
  server { listen unix:nginx.socket; location / { gzip on; gzip_min_length 1; gzip_types *; root .; } } }
`;

const requests = `
import socket
while True:
    s = socket.socket(socket.AF_UNIX); s.connect("nginx.socket")
    s.send(b"GET /text HTTP/1.1\\r\\nHost: x\\r\\nAccept-Encoding: gzip\\r\\nConnection: close\\r\\n\\r\\n")
    while s.recv(65536): pass
    s.close()
`;

const benchmark = `${POSTGRES}/pgbench -h "$PWD" -p 5499`;

export const programs: readonly RealProgram[] = [
  {
    name: 'python3',
    needs: ['/usr/bin/python3'],
    packages: 'python3',
    files: { 'work.py': python },
    script: 'exec /usr/bin/python3 work.py',
    crash: {
      command: [
        '/usr/bin/python3',
        '-c',
        'import ctypes, json\nclass A:\n  def __repr__(self): return ctypes.string_at(0)\nsorted([1], key=lambda _: repr(A()))',
      ],
    },
  },
  {
    name: 'perl',
    needs: ['/usr/bin/perl'],
    packages: 'perl',
    files: { 'work.pl': perl },
    script: 'exec /usr/bin/perl work.pl',
    crash: { command: ['/usr/bin/perl', '-e', 'sub f { $_[0] ? f($_[0] - 1) : unpack("p", pack("Q", 8)) } f(9)'] },
  },
  {
    name: 'ruby',
    needs: ['/usr/bin/ruby'],
    packages: 'ruby',
    files: { 'work.rb': ruby },
    script: 'exec /usr/bin/ruby work.rb',
  },
  {
    name: 'php',
    needs: ['php'],
    packages: 'php-cli',
    files: { 'work.php': php },
    script: 'exec php -n -d extension=json work.php 2>/dev/null',
  },
  {
    name: 'postgresql',
    needs: [`${POSTGRES}/postgres`],
    packages: 'postgresql-15',
    asNobody: true,
    script: `
      ${POSTGRES}/initdb -D data -U user -A trust --no-sync >/dev/null || exit 1
      ${POSTGRES}/postgres -D data -k "$PWD" -h '' -p 5499 -F 2>server.log &
      until ${POSTGRES}/pg_isready -q -h "$PWD" -p 5499; do sleep 0.1; done
      ${benchmark} -U user -i -q postgres >/dev/null 2>&1
      ${benchmark} -U user -c 3 -T 1000 postgres >/dev/null 2>&1 &
      echo ready; wait`,
  },
  {
    name: 'redis',
    needs: ['redis-server', 'redis-benchmark'],
    packages: 'redis-server',
    script: `
      redis-server --port 0 --unixsocket redis.socket --save '' --io-threads 2 >server.log &
      until redis-cli -s redis.socket ping >/dev/null 2>&1; do sleep 0.1; done
      redis-benchmark -s redis.socket -q -l -n 1000 -t set,lpush,zadd,lrange >/dev/null &
      echo ready; wait`,
  },
  {
    name: 'nginx',
    needs: ['/usr/sbin/nginx', '/usr/bin/python3'],
    packages: 'nginx-light python3',
    files: { 'nginx.conf': nginx, 'requests.py': requests, text: 'some text to be sent\n'.repeat(5000) },
    script: `
      chmod a+rwx .
      /usr/sbin/nginx -p "$PWD/" -c nginx.conf 2>error.log &
      until [ -S nginx.socket ]; do sleep 0.1; done
      /usr/bin/python3 requests.py &
      echo ready; wait`,
  },
  {
    name: 'jvm',
    needs: ['java', 'javac'],
    packages: 'default-jdk-headless',
    files: { 'Work.java': java },
    script: 'javac Work.java && exec java -Xmx128m -cp . Work',
  },
  {
    name: 'go',
    needs: ['go'],
    packages: 'golang-go',
    files: { 'work.go': go },
    script: 'export GOCACHE="$PWD/cache" GO111MODULE=off HOME="$PWD"; go build -o work work.go && exec ./work',
  },
  {
    name: 'cgo',
    needs: ['go', 'gcc'],
    packages: 'golang-go gcc libc6-dev',
    files: { 'work.go': cgo },
    script: 'export GOCACHE="$PWD/cache" GO111MODULE=off HOME="$PWD"; go build -o work work.go && exec ./work',
  },
  {
    name: 'rust',
    needs: ['rustc'],
    packages: 'rustc',
    files: { 'work.rs': rust },
    script: 'rustc -C opt-level=2 -o work work.rs && exec ./work',
  },
  {
    name: 'musl',
    needs: ['musl-gcc'],
    packages: 'musl-tools',
    files: { 'work.c': c },
    script: 'musl-gcc -O2 -pthread -o work work.c && exec ./work',
  },
  {
    name: 'musl, static',
    needs: ['musl-gcc'],
    packages: 'musl-tools',
    files: { 'work.c': c },
    script: 'musl-gcc -O2 -static -pthread -o work work.c && exec ./work',
  },
  {
    name: 'glibc',
    needs: ['gcc'],
    packages: 'gcc libc6-dev',
    files: { 'work.c': c },
    script: 'gcc -O2 -pthread -o work work.c && exec ./work',
    crash: { prepare: 'gcc -O2 -pthread -o work work.c', command: ['./work', 'crash'] },
  },
  {
    name: 'busybox',
    needs: ['busybox'],
    packages: 'busybox-static',
    script: `
      busybox awk 'BEGIN { for (;;) { for (i = 0; i < 1000; i++) a[i % 37] = a[i % 37] i; delete a } }' &
      busybox sh -c 'while :; do busybox seq 20000 | busybox sort -r | busybox md5sum; done' >/dev/null &
      echo ready; busybox sh -c 'i=0; while :; do i=$((i + 1)); done'`,
  },
  {
    name: 'node',
    needs: [process.execPath],
    packages: 'nodejs',
    files: { 'work.js': node },
    script: `exec ${process.execPath} work.js`,
  },
];

/** What of a program's needs is not there. */
export function missingNeeds({ needs }: RealProgram): string[] {
  return needs.filter((each) => (each.startsWith('/') ? !existsSync(each) : findProgram(each) === null));
}

package omen.peers;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs Omen and its peers over one stream, rule set by rule set, and prints one table. An engine that counts other alerts than
 * Omen ends the comparison: nothing is printed but the two counts.
 */
public final class Compare {
  private record PeerModule(String name, String module, String type) {}

  private static final List<PeerModule> PEERS = List.of(new PeerModule("Esper", "esper", "EsperPeer"),
      new PeerModule("Flink CEP", "flink", "FlinkPeer"), new PeerModule("Siddhi", "siddhi", "SiddhiPeer"));

  private final Path peersFolder, file, scratch;
  private final long events, keys;
  private final double warmSeconds;
  private final int runs, limitSeconds;
  private final Omen omen;
  private final Map<String, Figure> ours = new HashMap<>();

  // PEERS-FOLDER BUILD-FOLDER SCRATCH-FOLDER EVENTS-FILE EVENTS KEYS WARM-SECONDS RUNS LIMIT-SECONDS RULES…
  public static void main(String[] args) throws Exception {
    List<RuleSet> sets = args.length > 9 ? RuleSet.named(List.of(args).subList(9, args.length)) : RuleSet.all();
    System.exit(new Compare(args).run(sets));
  }

  private Compare(String[] args) {
    peersFolder = Path.of(args[0]);
    scratch = Path.of(args[2]);
    file = Path.of(args[3]);
    events = Long.parseLong(args[4]);
    keys = Long.parseLong(args[5]);
    warmSeconds = Double.parseDouble(args[6]);
    runs = Integer.parseInt(args[7]);
    limitSeconds = Integer.parseInt(args[8]);
    omen = new Omen(Path.of(args[1]), scratch, runs, limitSeconds);
  }

  private int run(List<RuleSet> sets) throws Exception {
    List<Table.Row> rows = new ArrayList<>();
    for (RuleSet rules : sets) {
      List<Figure> before = List.of();
      for (boolean inMemory : new boolean[] {true, false}) {
        System.err.printf("%s, %s%n", rules.title(), inMemory ? "in memory" : "from the file");
        List<Table.Pair> pairs = new ArrayList<>();
        List<Figure> figures = new ArrayList<>();
        for (PeerModule peer : PEERS) {
          // What was hopeless without reading and parsing is not tried with it.
          int place = figures.size();
          boolean isHopeless = !inMemory && before.get(place).isMissing();
          Figure figure = isHopeless ? before.get(place) : measure(peer, rules, inMemory);
          figures.add(figure);
          Figure ours = figure.isMissing() ? figure : omen(rules, inMemory, figure.events());
          if (!agree("Omen", ours, peer.name(), figure, rules)) return 1;
          pairs.add(new Table.Pair(ours, figure));
        }
        Figure ours = omenOverMost(rules, inMemory);
        if (!agree("omen run", omen(rules, false, ours.events()), "Omen", ours, rules)) return 1;
        rows.add(new Table.Row(rules.title(), inMemory, ours, pairs));
        before = figures;
      }
    }
    System.out.printf("%,d events of %,d users, %.0f MB. ", events, keys, Files.size(file) * 1e-6);
    new Table(PEERS.stream().map(PeerModule::name).toList(), rows, events).print();
    return 0;
  }

  private static boolean agree(String name, Figure figure, String otherName, Figure other, RuleSet rules) {
    if (other.isMissing() || figure.alerts() == other.alerts()) return true;
    System.out.printf("%s, the first %,d events: %s has %,d alerts, %s %,d%n", rules.title(), figure.events(), name,
        figure.alerts(), otherName, other.alerts());
    return false;
  }

  // As many of the events as a run is likely to take three seconds for, at most: likewise of the peers.
  private Figure omenOverMost(RuleSet rules, boolean inMemory) throws Exception {
    long[] sizes = Measure.sizes(events);
    for (int i = 0;; ++i) {
      Figure figure = omen(rules, inMemory, sizes[i]);
      if (i + 1 == sizes.length || figure.nanos() * 1e-9 * sizes[i + 1] / sizes[i] > 3) return figure;
    }
  }

  private Figure omen(RuleSet rules, boolean inMemory, long wanted) throws Exception {
    String key = rules.name() + " " + inMemory + " " + wanted;
    Figure figure = ours.get(key);
    if (figure != null) return figure;
    Path beginning = scratch.resolve("beginning-" + wanted);
    if (wanted == events) {
      beginning = file;
    } else if (!Files.exists(beginning)) {
      try (BufferedReader in = Files.newBufferedReader(file); BufferedWriter out = Files.newBufferedWriter(beginning)) {
        for (long i = 0; i < wanted; ++i) out.append(in.readLine()).append('\n');
      }
    }
    figure = inMemory ? omen.inMemory(rules, beginning, wanted) : omen.overFile(rules, beginning, wanted);
    if (figure.isMissing()) throw new IllegalStateException("Omen " + figure.problem());
    ours.put(key, figure);
    return figure;
  }

  private Figure measure(PeerModule peer, RuleSet rules, boolean inMemory) throws IOException, InterruptedException {
    Path target = peersFolder.resolve(peer.module()).resolve("target");
    if (!Files.isDirectory(target.resolve("lib"))) return Figure.missing("its packages could not be had");
    List<String> command = new ArrayList<>(List.of("java", "-Xmx6g", "-XX:+UseParallelGC"));
    // Flink looks into classes of Java's own.
    for (String opened : List.of("java.lang", "java.util")) {
      command.addAll(List.of("--add-opens", "java.base/" + opened + "=ALL-UNNAMED"));
    }
    command.addAll(List.of("-cp", target.resolve("classes") + ":" + target.resolve("lib") + "/*", "omen.peers.Measure",
        peer.type(), rules.name(), inMemory ? "memory" : "file", file.toString(), Long.toString(events),
        Double.toString(warmSeconds), Integer.toString(runs)));
    Child child = new Child(command);
    child.output = scratch.resolve("printed");
    String problem = child.run(limitSeconds);
    if (problem != null) return Figure.missing(problem);
    List<String> lines = Files.readAllLines(child.output);
    String[] parts = lines.get(lines.size() - 1).split(" "); // see Measure
    return new Figure(Long.parseLong(parts[1]), Long.parseLong(parts[2]), Long.parseLong(parts[3]),
        Long.parseLong(parts[4]), parts[5], null);
  }
}

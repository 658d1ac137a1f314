package omen.peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Omen, which is no peer: programs of its own. `omen run` for the file, by the wall clock from its start to its end, and
 * bench/in-memory for the engine alone. The first run is thrown away.
 */
final class Omen {
  private static final Pattern ALERTS = Pattern.compile("\"rule\":\"r\\d+\",\"alerts\":(\\d+)");

  private final Path build, scratch;
  private final int runs, limitSeconds;

  Omen(Path build, Path scratch, int runs, int limitSeconds) {
    this.build = build;
    this.scratch = scratch;
    this.runs = runs;
    this.limitSeconds = limitSeconds;
  }

  Figure overFile(RuleSet rules, Path file, long events) throws Exception {
    List<Figure> figures = new ArrayList<>();
    for (int i = 0; i <= runs; ++i) {
      Path summary = scratch.resolve("summary");
      Child child = new Child(command("omen", "run", write(rules), "--events", file, "--at-end", "advance", "--json"));
      child.output = Path.of("/dev/null");
      child.errors = summary;
      long begin = System.nanoTime();
      String problem = child.run(limitSeconds);
      long nanos = System.nanoTime() - begin;
      if (problem != null) return Figure.missing(problem);
      long alerts = 0;
      for (Matcher found = ALERTS.matcher(Files.readString(summary)); found.find(); ) {
        alerts += Long.parseLong(found.group(1));
      }
      figures.add(new Figure(events, alerts, nanos, child.cpuNanos(), "omen", null));
    }
    return Figure.median(figures.subList(1, figures.size()));
  }

  Figure inMemory(RuleSet rules, Path file, long events) throws Exception {
    Path printed = scratch.resolve("printed");
    Child child = new Child(command("bench/in-memory", write(rules), file, runs + 1));
    child.output = printed;
    String problem = child.run(limitSeconds);
    if (problem != null) return Figure.missing(problem);
    List<Figure> figures = new ArrayList<>();
    for (String line : Files.readAllLines(printed)) {
      String[] parts = line.split(" ");
      long nanos = Long.parseLong(parts[1]);
      figures.add(new Figure(events, Long.parseLong(parts[0]), nanos, Long.parseLong(parts[2]), "omen", null));
    }
    return Figure.median(figures.subList(1, figures.size()));
  }

  private List<String> command(String program, Object... arguments) {
    List<String> command = new ArrayList<>(List.of(build.resolve(program).toString()));
    for (Object argument : arguments) command.add(argument.toString());
    return command;
  }

  private Path write(RuleSet rules) throws IOException {
    StringBuilder text = new StringBuilder();
    for (RuleSet.Rule rule : rules.rules()) {
      List<String> steps = new ArrayList<>();
      for (RuleSet.Step step : rule.steps()) {
        String condition = step.over() == null ? "" : "[amount > " + step.over() + "]";
        steps.add(step.type() + condition + (step.times() == 1 ? "" : "{" + step.times() + "}"));
      }
      String pattern = String.join(" -> ", steps);
      String time = rule.milliseconds() + "ms";
      pattern += rule.absent() == null ? " within " + time : " -> not " + rule.absent() + " for " + time;
      text.append(String.format("rule %s { by user_id match %s overlap starts alert \"{user_id}\" }%n", rule.name(), pattern));
    }
    return Files.writeString(scratch.resolve("rules.omen"), text);
  }
}

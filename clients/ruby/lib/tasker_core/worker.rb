# frozen_string_literal: true

module TaskerCore
  # Runs the steps of tasks: asks a server for them, calls their handlers in threads, and reports what became of them.
  #
  #   worker = TaskerCore::Worker.start(url: 'http://127.0.0.1:8080', concurrency: 5)
  #   ...
  #   worker.stop
  #
  # A process of its own is `tasker-worker`, which ends gracefully on SIGTERM. What is forked off has no worker: start
  # it in the child.
  class Worker
    # Exit code of a worker whose every slot is held by a handler that doesn't return.
    EXIT_STUCK = 70

    attr_reader :handlers, :held, :logger, :room, :session, :slots, :wire

    class << self
      # A worker that runs. Settings are those of the configuration, and +registry+, the handlers.
      def start(**settings)
        new(**settings).start
      end

      # Seconds on a clock that nobody sets.
      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end

    def initialize(registry: HandlerRegistry.instance, **settings)
      @configuration = TaskerCore.configuration.with(**settings)
      @logger = @configuration.logger
      @handlers = registry.handlers.freeze
      raise HandlerDeclarationError, 'there are no handlers: which files hold them?' if @handlers.empty?

      @wire = Wire.new(@configuration)
      @registration = Registration.new(self, @configuration)
      @held = Held.new
      @room = Room.new(@configuration.concurrency)
      @stopping = Mutex.new
      @registering = Mutex.new
      @ending = Flag.new
      @over = Flag.new
      @exit_code = 0
    end

    # Registers, waiting for a server that isn't there yet, and begins. Raises Wire::Refused where the server won't have
    # it.
    def start
      @session = @registration.session(@ending) or return self
      greet
      @slots = Slots.new(self, @configuration.concurrency)
      @reports = Reports.new(self)
      @beats = Beats.new(self)
      @watch = Watch.new(self)
      @claims = Claims.new(self)
      self
    end

    # Takes nothing more, lets what runs finish, reports it, and ends. What takes longer than +timeout+ seconds goes
    # back into the queue. A second call waits for the first.
    def stop(timeout: @configuration.shutdown_timeout)
      @ending.raise_up
      @stopping.synchronize do
        wind_up(Worker.now + timeout) if @claims && !@over.up?
        @over.raise_up
      end
    end

    # Runs until SIGTERM or SIGINT, or until the server says so, then stops; the exit code. A second signal ends it at
    # once.
    def run
      catch_signals
      start
      @ending.wait
      stop
      @exit_code
    end

    def running?
      !@claims.nil? && !@ending.up?
    end

    # Does it take no more?
    def draining?
      @ending.up? || @drained
    end

    # The server's word, which comes with its answers.
    def heed(directive)
      case directive
      when 'drain' then drain
      when 'stop' then @ending.raise_up
      end
    end

    # Has the process end with this code.
    def end_with(code)
      @exit_code = code
      @ending.raise_up
    end

    # Takes leases that came in an answer; how many. Those of a worker that it isn't any more are nobody's.
    def take(leases, session)
      current = @session
      return 0 unless session.same_worker?(current)

      attempts = leases.map { |lease| Attempt.new(lease, current) }.select { |attempt| held.take(attempt) }
      attempts.each { |attempt| draining? ? slots.return(attempt) : slots.add(attempt) }
      attempts.size
    end

    def report(outcome)
      @reports.add(outcome)
    end

    # An attempt that came to nothing leaves its place.
    def leave(attempt)
      held.drop(attempt)
      room.give(1)
    end

    # Somebody else has it.
    def lose(attempt)
      attempt.lose
      held.drop(attempt)
    end

    # The server doesn't know +old+ any more: all leases of it are lost. Several threads may find out at once.
    def register_again(old)
      @registering.synchronize do
        return unless session.equal?(old)

        held.all.each { |attempt| lose(attempt) }
        return if @ending.up?

        logger.warn("the server has given up worker #{old.worker_id}; it registers again")
        fresh = @registration.session(@ending)
        @session = fresh if fresh
        @claims&.begin_anew unless @session.same_worker?(old)
      end
    rescue Wire::Refused => e
      refused(e)
    end

    # The result of an earlier step that didn't come along.
    def read_result(attempt, step)
      body = Payload.encode({ token: attempt.lease['token'], step: }, 'request')
      wire.ask(:post, "/v1/leases/#{attempt.id}/results", body, 10)['result']
    rescue Wire::Lost => e
      raise Errors::NetworkError, e.message
    rescue Wire::Refused, Wire::Unknown
      raise Errors::StepCancelledError, "the lease of step #{attempt.lease['step']} is lost"
    end

    # What the server won't have. Without credentials that do, there is nothing to go on with.
    def refused(error)
      logger.error(error.message)
      end_with(1) if error.credentials?
    end

    def note_trouble(error)
      logger.warn(error.message) unless @last_trouble == error.message
      @last_trouble = error.message
    end

    # Runs the block as the application wants it, say in Rails' executor.
    def around(&block)
      @configuration.around_step ? @configuration.around_step.call(block) : block.call
    end

    private

    def greet
      logger.info("worker #{@configuration.worker_name} serves #{handlers.size} handlers of #{wire.name}, " \
                  "#{@configuration.concurrency} at a time")
      known = session.served&.map { |served| served['callable'] } or return
      unknown = handlers.keys - known
      logger.info("no template names #{unknown.sort.join(', ')}") if unknown.any?
    end

    def drain
      return if draining?

      @drained = true
      logger.info('it takes no more steps, since an operator said so')
      slots.return_waiting
    end

    def wind_up(deadline)
      @beats.hurry
      @claims.close
      slots.return_waiting
      held.wait_until_empty(deadline)
      held.all.each(&:lose)
      @reports.close
      @watch.close
      @beats.close
      say_goodbye
      slots.close
      wire.close
      logger.info("worker #{@configuration.worker_name} has ended")
    end

    def say_goodbye
      @wire.ask(:delete, session.path(''), nil, 5)
    rescue Wire::Lost, Wire::Unknown, Wire::Refused => e
      logger.warn("the server wasn't told of the end: #{e.message}")
    end

    def catch_signals
      signals = Queue.new
      %w[TERM INT].each { |name| trap(name) { signals << name } }
      Thread.new do
        signals.pop
        @ending.raise_up
        signals.pop
        exit!(1)
      end
    end
  end
end

%w[flag pauses wire session attempt held room outcome slots beats claims reports watch registration].each do |part|
  require_relative "worker/#{part}"
end

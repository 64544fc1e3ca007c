# frozen_string_literal: true

module TaskerCore
  class Worker
    # The heartbeats, in a thread of their own, whatever else the worker does.
    class Beats
      def initialize(worker)
        @worker = worker
        @sooner = Flag.new
        @ended = Flag.new
        @thread = Thread.new { beat_on }
        @thread.name = 'tasker-heartbeat'
      end

      # Has the next one sent at once, as the worker's state has changed.
      def hurry
        @sooner.raise_up
      end

      def close
        @ended.raise_up
        hurry
        @thread.join(1)
      end

      private

      def beat_on
        pauses = Pauses.new
        # The registration was a sign of life.
        wait(@worker.session.heartbeat)
        until @ended.up?
          session = @worker.session
          began = Worker.now
          begin
            beat(session, began)
            pauses.reset
            wait([session.heartbeat - (Worker.now - began), 0].max)
          rescue Wire::Lost => e
            # A late heartbeat costs the leases: a server that asks for a long pause isn't waited for as long.
            wait([pauses.next(e.pause), session.heartbeat].min)
          rescue Wire::Unknown
            @worker.register_again(session)
            wait(session.heartbeat)
          rescue Wire::Refused => e
            @worker.refused(e)
            wait(session.heartbeat)
          end
        end
      end

      def wait(seconds)
        @sooner.wait(seconds)
        @sooner.lower
      end

      def beat(session, sent)
        leases = @worker.held.all.select { |attempt| attempt.session.same_worker?(session) }
        body = JSON.generate({ state: @worker.draining? ? 'draining' : 'running',
                               leases: leases.map { |attempt| { lease_id: attempt.id } } })
        answer = @worker.wire.ask(:post, session.path('/heartbeat'), body, session.patience)
        session.extend_to(sent, answer['lease_ms'])
        (answer['leases'] || []).each { |lease| heed(lease) }
        @worker.heed(answer['directive'])
      end

      def heed(lease)
        return unless %w[lost cancel].include?(lease['status'])

        attempt = @worker.held[lease['lease_id']]
        @worker.lose(attempt) if attempt
      end
    end
  end
end

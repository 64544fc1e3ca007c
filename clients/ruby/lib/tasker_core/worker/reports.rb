# frozen_string_literal: true

module TaskerCore
  class Worker
    # Tells the server how attempts ended, many at once, and asks in the same round trip for as many steps as they leave
    # room for. An outcome is kept until it is answered.
    class Reports
      SECONDS = 30
      # Seconds for which an outcome waits for those of handlers that run beside it: a round trip with ten reports costs
      # little more than one with one.
      LINGER = 0.0005

      def initialize(worker)
        @worker = worker
        @outcomes = Queue.new
        @given_up = Flag.new
        @thread = Thread.new { report_on }
        @thread.name = 'tasker-reports'
      end

      def add(outcome)
        @outcomes << outcome
      end

      # Ends it. What isn't answered yet is dropped.
      def close
        @given_up.raise_up
        @outcomes.close
        @worker.wire.hang_up(@thread) until @thread.join(0.05)
      end

      private

      def report_on
        while (first = @outcomes.pop)
          session = @worker.session
          sleep(LINGER) if @worker.slots.busy?
          lost, current = gathered(first, session).partition { |outcome| outcome.attempt.lost? }
          lost.each { |outcome| done(outcome) }
          settle(current, session) unless current.empty?
        end
      end

      # Everything that waits, as far as it goes into one body.
      def gathered(first, session)
        batch = [first]
        size = first.text.bytesize
        while batch.size < session.max_reports && size < Session::LARGEST_BODY / 2 && !@outcomes.empty?
          outcome = @outcomes.pop or break
          batch << outcome
          size += outcome.text.bytesize
        end
        batch
      end

      def settle(batch, session)
        places = @worker.draining? ? 0 : [batch.count(&:place), session.max_claim].min
        answer = asked(body_of(batch, places), session)
        return if answer.nil?

        taken = @worker.take(answer['leases'] || [], session)
        @worker.heed(answer['directive'])
        batch.zip(answer['results'] || []) { |outcome, result| conclude(outcome, result || {}) }
        # Those that were asked for and stayed empty are the long poll's again.
        @worker.room.give(batch.count(&:place) - taken)
      rescue Wire::Unknown
        @worker.register_again(session)
        batch.each { |outcome| done(outcome) }
      rescue Wire::Refused => e
        refused(batch, session, e)
      end

      def body_of(batch, places)
        reports = batch.map(&:text).join(',')
        return %({"reports":[#{reports}]}) if places.zero?

        %({"reports":[#{reports}],"claim":#{JSON.generate({ request_id: Uuid.new, max: places })}})
      end

      # The same body until it is answered, or until that is given up. Raises Wire::Unknown where another session began.
      def asked(body, session)
        pauses = Pauses.new
        begin
          @worker.wire.ask(:post, session.path('/reports'), body, SECONDS)
        rescue Wire::Lost => e
          return if @given_up.up?
          raise Wire::Unknown unless session.same_worker?(@worker.session)

          @worker.note_trouble(e)
          @given_up.wait(pauses.next(e.pause)) ? nil : retry
        end
      end

      def conclude(outcome, result)
        case result['status']
        when 200 then @worker.held.drop(outcome.attempt)
        when 413, 422 then say_instead(outcome, result)
        else
          @worker.logger.warn("the outcome of #{outcome.attempt.lease['step']} of task " \
                              "#{outcome.attempt.lease['task_uuid']} came too late or isn't known: " \
                              "#{result['code']} #{result['message']}")
          @worker.held.drop(outcome.attempt)
        end
      end

      # What can't be kept is told as a failure; its place was given away with the first report.
      def say_instead(outcome, result)
        @worker.logger.warn("an outcome of #{outcome.attempt.lease['step']} was refused: #{result['message']}")
        return @worker.held.drop(outcome.attempt) if outcome.final?

        @outcomes << Outcome.unfit(outcome.attempt, result['message'].to_s, place: false)
      end

      # One report that can't be read costs no other: each is said alone, then told as a failure.
      def refused(batch, session, error)
        return batch.each { |outcome| settle([outcome], session) } if batch.size > 1 && !error.credentials?

        @worker.refused(error)
        outcome = batch.first
        if error.credentials? || outcome.final? then batch.each { |each| done(each) }
        else
          settle([Outcome.unfit(outcome.attempt, error.message, place: outcome.place)], session)
        end
      end

      # Nothing more is to be said of it.
      def done(outcome)
        @worker.held.drop(outcome.attempt)
        @worker.room.give(1) if outcome.place
      end
    end
  end
end

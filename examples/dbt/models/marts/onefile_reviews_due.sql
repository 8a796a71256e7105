{%- set days = 7 * var('onefile_weeks_between_reviews') -%}
with held as (
    select
        customer,
        learner_id,
        max(case when held_on <= {{ onefile.today() }} then held_on end) as last_review,
        min(case when due = 'due' then scheduled_on end) as next_review
    from {{ ref('onefile_reviews') }}
    group by customer, learner_id
),

dated as (
    select
        learners.customer, learners.learner_id, learners.learner, learners.organisation, learners.status,
        learners.assessor_id, learners.assessor, learners.started, held.last_review, held.next_review,
        cast({{ dbt.dateadd('day', days, 'coalesce(held.last_review, learners.started)') }} as date) as due_on,
        {{ onefile.days_between('coalesce(held.last_review, learners.started)', onefile.today()) }} as days_without
    from {{ ref('onefile_learners') }} as learners
    left join held on learners.customer = held.customer and learners.learner_id = held.learner_id
    where learners.in_learning and {{ onefile.is_loaded('reviews', customer='learners.customer') }}
)

select
    *,
    case
        when due_on is null then 'no review, and no start'
        when due_on < {{ onefile.today() }} then 'overdue'
        when due_on < {{ dbt.dateadd('day', 28, onefile.today()) }} then 'due within four weeks'
        else 'later'
    end as due
from dated
